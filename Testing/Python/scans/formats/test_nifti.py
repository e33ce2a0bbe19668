"""Reading NIfTI-1: values as stored, where they lie, and what its header must say."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.storage.hashing import files_sha256

SPACING = (3.0, 4.0, 6.0)
ORIGIN_RAS = (10.0, -20.0, 30.0)
DTYPES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768}
FIELDS = {
    "pixdim": (76, "8f"), "vox_offset": (108, "f"), "slope": (112, "f"), "inter": (116, "f"),
    "units": (123, "B"), "qform_code": (252, "h"), "sform_code": (254, "h"),
    "quatern": (256, "3f"), "qoffset": (268, "3f"), "srow": (280, "12f"), "magic": (344, "4s"),
    "dim": (40, "8h"), "datatype": (70, "h"),
}  # fmt: skip


def body_hu():
    """Tissue in air with noise, (K, J, I) = (12, 20, 24), HU."""
    rng = np.random.default_rng(5)
    hu = rng.integers(-1010, -990, (12, 20, 24))
    hu[:, 5:15, 6:18] = rng.integers(20, 60, (12, 10, 12))
    return hu.astype(np.int16)


def ras_matrix(spacing=SPACING):
    return [spacing[0], 0, 0, ORIGIN_RAS[0], 0, spacing[1], 0, ORIGIN_RAS[1],
            0, 0, spacing[2], ORIGIN_RAS[2]]  # fmt: skip


def nifti_bytes(voxels=None, order="<", **changes):
    """Return a NIfTI-1 file, sform along RAS; fields are changed by name (`FIELDS`)."""
    voxels = body_hu() if voxels is None else voxels
    head = bytearray(352)
    struct.pack_into(order + "i", head, 0, 348)
    fields = {
        "dim": [3, *voxels.shape[::-1], 1, 1, 1, 1], "datatype": [DTYPES[voxels.dtype.str[1:]]],
        "pixdim": [1, *SPACING, 0, 0, 0, 0], "vox_offset": [352], "slope": [1], "inter": [0],
        "units": [2], "sform_code": [1], "srow": ras_matrix(), "magic": [b"n+1"],
    }  # fmt: skip
    for name, values in (fields | changes).items():
        struct.pack_into(order + FIELDS[name][1], head, FIELDS[name][0], *values)
    return bytes(head) + voxels.astype(voxels.dtype.newbyteorder(order)).tobytes()


@pytest.fixture
def read(tmp_path):
    def read_nifti(voxels=None, name="a.nii", assume_hu=False, **changes):
        path = tmp_path / name
        path.write_bytes(nifti_bytes(voxels, **changes))
        return read_scan(path, assume_hu=assume_hu)

    return read_nifti


def refusal(read, *args, **changes):
    with pytest.raises(ScanError) as caught:
        read(*args, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def names(scan):
    return [name for name, _ in scan.warnings]


def lps_corners(scan):
    """Return where the first voxel and its neighbours along I, J, K lie, LPS mm."""
    at = scan.image.TransformIndexToPhysicalPoint
    return np.array([at(i) for i in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))])


@pytest.mark.parametrize("order", "<>")
def test_voxels_and_places_in_both_byte_orders(read, order):
    scan = read(order=order)
    assert np.array_equal(scan.array, body_hu())
    assert names(scan) == []
    x, y, z = ORIGIN_RAS
    wanted = [(-x, -y, z), (-x - 3, -y, z), (-x, -y - 4, z), (-x, -y, z + 6)]
    assert np.allclose(lps_corners(scan), wanted)


@pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
def test_every_type_as_itk_reads_it(read, tmp_path, dtype):
    scan = read(body_hu().astype(dtype))
    by_itk = sitk.ReadImage(str(tmp_path / "a.nii"))
    assert np.array_equal(scan.array, sitk.GetArrayFromImage(by_itk))
    assert np.allclose(scan.image.GetOrigin(), by_itk.GetOrigin())
    assert np.allclose(scan.image.GetDirection(), by_itk.GetDirection())
    assert scan.image.GetPixelID() == sitk.sitkInt16


@pytest.mark.parametrize("slope", [1, 2])
def test_scaling_to_whole_hu(read, slope):
    stored = (body_hu() + 1024).astype("u2")
    scan = read(stored, slope=[slope], inter=[-1024], assume_hu=True)
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert np.array_equal(scan.array, stored.astype(int) * slope - 1024)


def test_half_hu_stay(read):
    stored = (2 * (body_hu() + 1024) + 1).astype("u2")
    scan = read(stored, slope=[0.5], inter=[-1024])
    assert scan.image.GetPixelID() == sitk.sitkFloat32
    assert np.array_equal(scan.array, body_hu() + 0.5)


@pytest.mark.parametrize(("slope", "inter"), [(0, 5), (np.nan, 0), (np.nan, np.nan)])
def test_no_scaling(read, slope, inter):
    assert np.array_equal(read(slope=[slope], inter=[inter]).array, body_hu())


def test_infinite_scaling(read):
    assert "scaling of" in refusal(read, slope=[np.inf])


@pytest.mark.parametrize(("bad", "slope"), [(np.nan, 1), (np.inf, 1), (np.nan, 2), (-np.inf, 0)])
def test_nan_and_infinity_are_found_where_itk_hides_them(read, bad, slope):
    voxels = body_hu().astype("f4")
    voxels[3, 4, 5:9] = bad
    message = refusal(read, voxels, slope=[slope])
    assert "holds 4 NaN or infinite value(s) among 5760" in message


@pytest.mark.parametrize("zero", [0.0, -4.0, np.nan, np.inf])
def test_a_voxel_size_that_is_none(read, zero):
    message = refusal(read, pixdim=[1, 3, 4, zero, 0, 0, 0, 0], sform_code=[0])
    assert "has a voxel size of 3 x 4 x" in message
    message = refusal(read, srow=ras_matrix((3, 4, 0)))
    assert "has a voxel size of 3 x 4 x 0 mm" in message


@pytest.mark.parametrize(("code", "factor"), [(0, 1), (2, 1), (1, 0.001), (3, 1000), (2 + 8, 1)])
def test_units_become_millimetres(read, code, factor):
    size = np.array(SPACING) * factor
    matrix = np.array(ras_matrix()) * factor
    scan = read(units=[code], pixdim=[1, *size, 0, 0, 0, 0], srow=matrix)
    assert scan.spacing == pytest.approx(SPACING)
    assert np.allclose(scan.image.GetOrigin(), (-10, 20, 30))
    assert names(scan) == []


def test_unknown_unit(read):
    assert "unit of length" in refusal(read, units=[5])


def test_a_file_that_does_not_say_how_the_patient_lies(read):
    scan = read(sform_code=[0])
    assert names(scan) == ["unknown-orientation"]
    assert scan.spacing == pytest.approx(SPACING)


@pytest.mark.parametrize("handed", [1, -1])
def test_qform_as_itk_reads_it(read, tmp_path, handed):
    half = np.sin(np.radians(10))
    scan = read(sform_code=[0], qform_code=[1], quatern=[half, 0, 0], qoffset=[5, 6, 7],
                pixdim=[handed, *SPACING, 0, 0, 0, 0])  # fmt: skip
    by_itk = sitk.ReadImage(str(tmp_path / "a.nii"))
    assert np.allclose(scan.image.GetDirection(), by_itk.GetDirection(), atol=1e-6)
    assert np.allclose(scan.image.GetOrigin(), by_itk.GetOrigin())
    assert names(scan) == []


def test_a_voxel_size_and_an_orientation_that_are_told_twice(read):
    assert names(read(pixdim=[1, 3, 4, 5, 0, 0, 0, 0])) == ["two-voxel-sizes"]
    turned = read(qform_code=[1], quatern=[1, 0, 0], qoffset=ORIGIN_RAS)  # half a turn about x
    assert names(turned) == ["two-orientations"]
    assert names(read(qform_code=[1], quatern=[0, 0, 0], qoffset=ORIGIN_RAS)) == []


@pytest.mark.parametrize("degrees", [0.001, 0.06, 12.0])
def test_axes_that_are_not_at_right_angles_put_voxels_where_they_say(read, degrees):
    shear = 6 * np.tan(np.radians(degrees))
    matrix = ras_matrix()
    matrix[6] = shear  # a step along K goes along y too
    scan = read(srow=matrix, pixdim=[1, 3, 4, np.hypot(6, shear), 0, 0, 0, 0])
    x, y, z = ORIGIN_RAS
    far = scan.image.TransformIndexToPhysicalPoint((0, 0, 11))
    assert np.allclose(far, (-x, -y - 11 * shear, z + 66), atol=0.02)
    assert np.array_equal(scan.array, body_hu())


def test_axes_on_one_line(read):
    matrix = [3, 0, 0, 0, 0, 4, 8, 0, 0, 0, 0, 0]  # steps along J and K both go along y
    assert "lie in one plane" in refusal(read, srow=matrix)


def test_pair_of_header_and_voxels(tmp_path):
    whole = nifti_bytes(magic=[b"ni1"], vox_offset=[0])
    (tmp_path / "a.hdr").write_bytes(whole[:348])
    (tmp_path / "a.img").write_bytes(whole[352:])
    for name in ("a.hdr", "a.img"):
        scan = read_scan(tmp_path / name)
        assert np.array_equal(scan.array, body_hu())
        assert scan.sha256 == files_sha256([tmp_path / "a.hdr", tmp_path / "a.img"])
    (tmp_path / "a.img").write_bytes(whole[352:-1])
    with pytest.raises(ScanError, match="is truncated: 11519 of 11520 bytes"):
        read_scan(tmp_path / "a.img")
    (tmp_path / "a.img").unlink()
    with pytest.raises(ScanError, match=r"There is no a.img beside .*a.hdr"):
        read_scan(tmp_path / "a.hdr")


def test_analyze_is_not_guessed_at(tmp_path):
    whole = nifti_bytes(magic=[b""])
    (tmp_path / "a.hdr").write_bytes(whole[:348])
    (tmp_path / "a.img").write_bytes(whole[352:])
    with pytest.raises(ScanError, match=r"is Analyze 7.5, .* Save the scan as NIfTI-1"):
        read_scan(tmp_path / "a.hdr")


@pytest.mark.parametrize("order", ["little", "big"])
def test_nifti_2_is_named(tmp_path, order):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress((540).to_bytes(4, order) + bytes(20_000)))
    with pytest.raises(ScanError, match=r"is NIfTI-2, .* Save it as NIfTI-1 or NRRD"):
        read_scan(path)


@pytest.mark.parametrize("kept", [4, 100, 347])
def test_a_file_cut_within_its_header(tmp_path, kept):
    path = tmp_path / "a.nii"
    path.write_bytes(nifti_bytes()[:kept])
    with pytest.raises(ScanError, match=f"is truncated: {kept} of the header's 348 bytes"):
        read_scan(path)


def test_colours_complex_numbers_and_damaged_dimensions(read):
    assert "has 3 values a voxel" in refusal(read, datatype=[128])
    assert "NIfTI type 32" in refusal(read, datatype=[32])
    assert "header of" in refusal(read, dim=[9, 24, 20, 12, 1, 1, 1, 1])
    assert "header of" in refusal(read, dim=[3, 24, -20, 12, 1, 1, 1, 1])


@pytest.mark.parametrize("name", ["1.3.6.1.4.1.nii.gz", "scan.v2.nii", "a b.NII"])
def test_a_scan_keeps_the_dots_of_its_name(read, name):
    wanted = name[: -len(".nii.gz")] if name.endswith(".gz") else name[: -len(".nii")]
    assert read(name=name).name == wanted
