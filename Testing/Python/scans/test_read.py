"""Reading a scan from a file: what is accepted, and how everything else is refused in one line."""

from __future__ import annotations

import gzip
import hashlib
import os

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.read import read_scan

SPACING = (3.7, 3.8, 5.5)
ORIGIN = (-10.0, 20.0, -300.0)
FLIPPED = (-1, 0, 0, 0, -1, 0, 0, 0, 1)


def body_hu(dtype=np.int16):
    """A noisy block of soft tissue in air: (K, J, I) = (12, 20, 24), HU."""
    rng = np.random.default_rng(5)
    hu = rng.integers(-1010, -990, (12, 20, 24))
    hu[:, 5:15, 6:18] = rng.integers(20, 60, (12, 10, 12))
    return hu.astype(dtype)


def as_image(values, is_vector=False):
    image = sitk.GetImageFromArray(values, isVector=is_vector)
    if image.GetDimension() == 3:
        image.SetSpacing(SPACING)
        image.SetOrigin(ORIGIN)
        image.SetDirection(FLIPPED)
    return image


def write(path, values, compress=False, is_vector=False):
    sitk.WriteImage(as_image(values, is_vector), str(path), useCompression=compress)
    return path


def refusal(path, **options):
    """Return the message with which a path is refused; it is one line and no stack trace."""
    with pytest.raises(ScanError) as caught:
        read_scan(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    for noise in ("WARNING", "ITK", "itk::", "(0x", ".hxx", ".cxx", "Traceback"):
        assert noise not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize("name", ["a.nrrd", "a.nii", "a.nii.gz", "a.mha", "a.mhd", "a.nhdr"])
def test_voxels_and_geometry_survive_each_format(tmp_path, name):
    path = write(tmp_path / name, body_hu())
    scan = read_scan(path)
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert np.array_equal(scan.array, body_hu())
    assert scan.spacing == pytest.approx(SPACING)
    assert scan.image.GetOrigin() == pytest.approx(ORIGIN)
    assert scan.image.GetDirection() == pytest.approx(FLIPPED)
    assert (scan.name, scan.path, scan.warnings) == ("a", str(path), ())
    files = [path, *tmp_path.glob("a.*raw")]  # zlib: "a.zraw"
    digests = [hashlib.sha256(file.read_bytes()).digest() for file in files]
    whole = hashlib.sha256(b"".join(digests)).digest() if len(files) > 1 else digests[0]
    assert scan.sha256 == whole.hex()


def test_missing_path(tmp_path):
    assert "There is no file or folder" in refusal(tmp_path / "nope.nii.gz")


def test_empty_file(tmp_path):
    path = tmp_path / "empty.nii.gz"
    path.touch()
    assert refusal(path).endswith("is empty (0 bytes). Export or copy it again.")


@pytest.mark.parametrize("name", ["text.txt", "text.nii", "text.nii.gz", "text.nrrd", "text.mha"])
def test_text_file(tmp_path, name):
    path = tmp_path / name
    path.write_text("This is a letter, not a scan.\n" * 40)
    assert "Give an NRRD, NIfTI, MetaImage or DICOM file, or a folder" in refusal(path)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.999])
@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("a.nii", False), ("a.nii.gz", True), ("a.nrrd", False), ("a.nrrd", True),
        ("a.mha", False), ("a.mha", True),
    ],
)  # fmt: skip
def test_truncated_file(tmp_path, name, compress, kept):
    path = write(tmp_path / name, body_hu(), compress)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    message = refusal(path)
    assert "truncated" in message
    assert "copy it again" in message.lower()


def test_truncated_nifti_tells_how_many_bytes_are_there(tmp_path):
    path = write(tmp_path / "a.nii", body_hu())
    # 352 bytes of header, then 12 * 20 * 24 voxels of 2 bytes.
    assert path.stat().st_size == 352 + 11520
    path.write_bytes(path.read_bytes()[:5000])
    assert "5000 of 11872 bytes" in refusal(path)


def test_nifti_truncated_before_it_was_compressed(tmp_path):
    whole = write(tmp_path / "a.nii", body_hu()).read_bytes()
    path = tmp_path / "b.nii.gz"
    path.write_bytes(gzip.compress(whole[:-2]))
    assert "11870 of 11872 bytes" in refusal(path)


@pytest.mark.parametrize("suffix", [".raw", ".img"])
def test_truncated_data_file_of_a_pair(tmp_path, suffix):
    path = write(tmp_path / ("a.mhd" if suffix == ".raw" else "a.hdr"), body_hu())
    data = path.with_suffix(suffix)
    data.write_bytes(data.read_bytes()[:5000])
    assert "truncated" in refusal(path)


@pytest.mark.parametrize("name", ["a.tif", "a.vtk"])
def test_formats_that_lose_geometry_or_hide_truncation(tmp_path, name):
    assert "not in a format" in refusal(write(tmp_path / name, body_hu()))


def test_4d_image(tmp_path):
    path = tmp_path / "phases.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([as_image(body_hu())] * 3), str(path))
    message = refusal(path)
    assert "is 4D (24 x 20 x 12 x 3); a single 3D volume is expected" in message
    assert "Extract one time point" in message


def test_4d_image_with_a_single_time_point_is_a_scan(tmp_path):
    path = tmp_path / "one.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([as_image(body_hu())]), str(path))
    scan = read_scan(path)
    assert scan.size == (24, 20, 12)
    assert scan.spacing == pytest.approx(SPACING)
    assert scan.image.GetDirection() == pytest.approx(FLIPPED)
    assert np.array_equal(scan.array, body_hu())


@pytest.mark.parametrize("cut", [np.s_[:1], np.s_[:, :1], np.s_[:, :, :1], np.s_[0]])
def test_flat_image(tmp_path, cut):
    message = refusal(write(tmp_path / "flat.nrrd", body_hu()[cut]))
    assert "is a single slice or a flat image" in message
    assert "at least 2 slices is expected" in message


def test_colour_image(tmp_path):
    colour = np.zeros((12, 20, 24, 3), np.uint8)
    message = refusal(write(tmp_path / "colour.nrrd", colour, is_vector=True))
    assert "has 3 values a voxel" in message


@pytest.mark.parametrize(("bad", "count"), [(np.nan, 4), (np.inf, 4), (-np.inf, 4)])
def test_nan_and_infinity(tmp_path, bad, count):
    hu = body_hu(np.float32)
    hu[3, 4, 5:9] = bad
    message = refusal(write(tmp_path / "a.nrrd", hu))
    assert f"holds {count} NaN or infinite value(s) among 5760" in message


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int16, np.int64])
def test_whole_numbers_of_any_type_become_int16(tmp_path, dtype):
    scan = read_scan(write(tmp_path / "a.nrrd", body_hu(dtype)))
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert np.array_equal(scan.array, body_hu())
    assert scan.spacing == pytest.approx(SPACING)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fractions_of_hu_stay_float(tmp_path, dtype):
    hu = body_hu(dtype) + dtype(0.25)
    scan = read_scan(write(tmp_path / "a.nrrd", hu))
    assert scan.image.GetPixelID() == sitk.sitkFloat32
    assert np.array_equal(scan.array, hu)


def test_whole_values_beyond_int16_stay_whole(tmp_path):
    hu = body_hu(np.int32)
    hu[0, 0, 0] = 40_000
    scan = read_scan(write(tmp_path / "a.nrrd", hu))
    assert scan.image.GetPixelID() == sitk.sitkInt32
    assert scan.array.max() == 40_000


def test_nifti_scaling_is_applied(tmp_path):
    path = write(tmp_path / "a.nii", body_hu() + 1024)
    data = bytearray(path.read_bytes())
    data[112:120] = np.array([1, -1024], "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(data)
    scan = read_scan(path)
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert np.array_equal(scan.array, body_hu())


def test_stored_values_without_intercept(tmp_path):
    path = write(tmp_path / "stored.nrrd", (body_hu() + 1024).astype(np.uint16))
    assert "stored values without the rescale intercept" in refusal(path)


def test_8_bit_head_is_refused_unless_one_insists(shared_ct):
    path = shared_ct("head_pitch_uint8_nonhu.nii.gz")
    assert "it is an 8-bit image, values run from 0 to 255" in refusal(path)
    scan = read_scan(path, assume_hu=True)
    ((name, message),) = scan.warnings
    assert name == "assumed-hu"
    assert "8-bit" in message


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("chest_lidc0002_slab.nii.gz", (512, 512, 12)),  # padding of -3024
        ("nodule_partsolid.mha", (97, 101, 59)),
        ("chest_cip64_rot20.nrrd", (64, 64, 79)),  # oblique
        ("head_phantom_oblique.nii.gz", (256, 256, 54)),
    ],
)  # fmt: skip
def test_real_scans_are_read_as_they_are(shared_ct, name, size):
    scan = read_scan(shared_ct(name))
    assert scan.size == size
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert scan.warnings == ()


@pytest.fixture
def locked(tmp_path):
    """Return a function that takes away all permissions of a path until the test ends."""
    changed = []

    def lock(path):
        changed.append((path, path.stat().st_mode))
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user (root?) may read files whatever their permissions")
        return path

    yield lock
    for path, mode in changed:
        path.chmod(mode)


def test_unreadable_file(tmp_path, locked):
    path = locked(write(tmp_path / "a.nrrd", body_hu()))
    assert "Check its permissions" in refusal(path)


def test_unreadable_folder(tmp_path, locked):
    folder = tmp_path / "series"
    folder.mkdir()
    assert "Permission denied" in refusal(locked(folder))


def test_file_in_an_unreadable_folder(tmp_path, locked):
    folder = tmp_path / "private"
    folder.mkdir()
    path = write(folder / "a.nrrd", body_hu())
    locked(folder)
    assert "Check its permissions" in refusal(path)
