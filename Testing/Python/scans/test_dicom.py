"""Reading a DICOM folder: real slices, made smaller, with one thing wrong at a time."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.dicom import list_series
from CTCounterfactualLib.scans.read import read_scan

pydicom = pytest.importorskip("pydicom", reason="pydicom writes the DICOM folders of these tests")

STEP = 8  # every 8th pixel of the real slices: 512 -> 64
OTHER_UID = "1.2.826.0.1.3680043.8.498.1"


@pytest.fixture(scope="module")
def slices(shared_ct):
    """The real series, 16 slices from foot to head, 64 x 64 pixels each."""
    folder = shared_ct("chest_lidc0001_dicom")
    datasets = [pydicom.dcmread(path) for path in folder.glob("*.dcm")]
    for dataset in datasets:
        pixels = np.ascontiguousarray(dataset.pixel_array[::STEP, ::STEP])
        dataset.PixelData = pixels.tobytes()
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.PixelSpacing = [s * STEP for s in dataset.PixelSpacing]
    return sorted(datasets, key=lambda d: float(d.ImagePositionPatient[2]))


@pytest.fixture
def make_series(slices, tmp_path):
    """Return a function that writes slices to a folder, each changed by `edit(number, dataset)`."""

    def make(edit=None, numbers=range(8), prefix="", folder=tmp_path / "series"):
        folder.mkdir(exist_ok=True)
        for number in numbers:
            dataset = copy.deepcopy(slices[number])
            if edit is not None:
                edit(number, dataset)
            dataset.save_as(folder / f"{prefix}{number:02d}.dcm")
        return folder

    return make


def refusal(folder, **options):
    with pytest.raises(ScanError) as caught:
        read_scan(folder, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "WARNING" not in message
    assert message.endswith(".")
    return message


def warning_names(scan):
    return [name for name, _ in scan.warnings]


def at_height(dataset, z):
    x, y, _ = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y, z]


def test_real_series_is_read_in_hu_from_foot_to_head(shared_ct):
    folder = shared_ct("chest_lidc0001_dicom")
    scan = read_scan(folder)
    assert scan.size == (512, 512, 16)
    assert scan.spacing == pytest.approx((0.703125, 0.703125, 2.5))
    assert scan.image.GetOrigin() == pytest.approx((-166.0, -171.699997, -132.5))
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert scan.array.min() == -2048  # padding outside the field of view
    assert (scan.name, scan.warnings) == ("chest_lidc0001_dicom", ())
    assert len(scan.sha256) == 64
    # Slice 8 as another library reads it, at -132.5 + 8 * 2.5 = -112.5 mm.
    slice_8 = pydicom.dcmread(folder / "-112.500000.dcm")
    hu = slice_8.pixel_array.astype(int) * slice_8.RescaleSlope + slice_8.RescaleIntercept
    assert np.array_equal(scan.array[8], hu)


def test_instance_numbers_and_file_names_out_of_order_do_not_matter(make_series):
    in_order = read_scan(make_series())

    def shuffle(number, dataset):
        dataset.InstanceNumber = str((number * 3) % 8)

    shuffled = read_scan(make_series(shuffle))
    assert np.array_equal(shuffled.array, in_order.array)
    assert shuffled.spacing == in_order.spacing


def test_digest_depends_on_the_voxels(make_series):
    before = read_scan(make_series()).sha256
    assert read_scan(make_series()).sha256 == before

    def change_one_byte(number, dataset):
        if number == 4:
            data = bytearray(dataset.PixelData)
            data[0] ^= 1
            dataset.PixelData = bytes(data)

    assert read_scan(make_series(change_one_byte)).sha256 != before


def test_folder_without_files(tmp_path):
    assert "holds no DICOM series that can be read" in refusal(tmp_path)


def test_folder_with_other_files_only(tmp_path):
    (tmp_path / "notes.dcm").write_text("no DICOM at all" * 40)
    assert "holds no DICOM series that can be read" in refusal(tmp_path)


def test_folder_with_folders_only(make_series, tmp_path):
    make_series(folder=tmp_path / "inner")
    assert "Give the folder that holds the slices themselves" in refusal(tmp_path)


def test_other_files_beside_the_slices_do_not_matter(make_series):
    folder = make_series()
    (folder / "notes.txt").write_text("from the clinic")
    (folder / "sub").mkdir()
    scan = read_scan(folder)
    assert scan.size == (64, 64, 8)
    assert scan.warnings == ()


def test_file_of_one_slice_asks_for_the_folder(make_series):
    message = refusal(make_series() / "03.dcm")
    assert "64 x 64 x 1" in message
    assert "give the folder" in message


@pytest.fixture
def two_series(make_series):
    """8 slices of the first series, 5 others of a second one."""

    def second(number, dataset):
        dataset.SeriesInstanceUID = OTHER_UID
        dataset.SeriesDescription = "LUNG 2.5 B70f"

    make_series()
    return make_series(second, range(8, 13), prefix="b")


def test_two_series_are_listed_largest_first(two_series):
    message = refusal(two_series)
    assert "holds 2 DICOM series" in message
    assert "1: no description (CT, 8 files); 2: LUNG 2.5 B70f (CT, 5 files)." in message
    assert [len(series.files) for series in list_series(two_series)] == [8, 5]


@pytest.mark.parametrize(("series", "slices_read"), [("1", 8), ("2", 5), (OTHER_UID, 5)])
def test_a_series_is_chosen_by_number_or_uid(two_series, series, slices_read):
    assert read_scan(two_series, series=series).size == (64, 64, slices_read)


@pytest.mark.parametrize("series", ["0", "3", "lung", ""])
def test_unknown_series_is_told_with_the_choice(two_series, series):
    message = refusal(two_series, series=series)
    assert f"There is no series {series!r}" in message
    assert "2: LUNG 2.5 B70f (CT, 5 files)" in message


def test_single_slice_series(make_series):
    assert "(CT, 1 file)" in refusal(make_series(numbers=[3]))


@pytest.mark.parametrize("numbers", [(0, 1, 2, 4, 5, 6), (0, 1, 3)])
def test_missing_slice_in_the_middle(make_series, numbers):
    message = refusal(make_series(numbers=numbers))
    assert "misses slices: gaps run from 2.50 to 5.00 mm. Copy the whole series." in message


@pytest.mark.parametrize("kept_bytes", [140, 800, 5000])
def test_truncated_slice_in_the_middle_is_a_missing_slice(make_series, kept_bytes):
    damaged = make_series() / "03.dcm"
    damaged.write_bytes(damaged.read_bytes()[:kept_bytes])
    assert "misses slices" in refusal(damaged.parent)


def test_truncated_slice_at_the_end_is_warned_of(make_series):
    damaged = make_series() / "07.dcm"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    scan = read_scan(damaged.parent)
    assert scan.size == (64, 64, 7)
    ((name, message),) = scan.warnings
    assert name == "unreadable-dicom-files"
    assert "(07.dcm)" in message


def test_slices_of_different_size(make_series):
    def halve(number, dataset):
        if number == 3:
            dataset.Rows = 32
            dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2]

    assert "slices differ in size" in refusal(make_series(halve))


def test_two_slices_at_one_position(make_series, slices):
    def down_one(number, dataset):
        if number >= 4:
            at_height(dataset, slices[number - 1].ImagePositionPatient[2])

    assert "several slices at the same position" in refusal(make_series(down_one))


def test_two_phases_in_one_series(make_series, slices):
    make_series()

    def second_phase(number, dataset):
        dataset.InstanceNumber = str(100 + number)

    assert "several slices at the same position" in refusal(make_series(second_phase, prefix="b"))


def test_mr_is_refused_unless_one_insists(make_series):
    def as_mr(number, dataset):
        dataset.Modality = "MR"

    folder = make_series(as_mr)
    assert "has modality MR, not CT" in refusal(folder)
    assert read_scan(folder, assume_hu=True).size == (64, 64, 8)


def test_series_without_rescale_intercept_is_not_in_hu(make_series):
    def without(number, dataset):
        del dataset.RescaleIntercept

    assert "lacks the rescale intercept" in refusal(make_series(without))


def test_uneven_spacing_is_warned_of_with_the_gaps(make_series, slices):
    def wobble(number, dataset):
        z = float(slices[number].ImagePositionPatient[2])
        at_height(dataset, z + 0.4 * (number % 2))  # gaps of 2.9 and 2.1 mm in turn

    scan = read_scan(make_series(wobble))
    assert warning_names(scan) == ["uneven-slice-spacing"]
    assert "from 2.10 to 2.90 mm" in scan.warnings[0][1]


def test_gantry_tilt_is_warned_of_with_its_angle(make_series):
    def tilt(number, dataset):
        angle = np.radians(15)
        dataset.ImageOrientationPatient = [
            1, 0, 0, 0, round(np.cos(angle), 6), round(-np.sin(angle), 6),
        ]  # fmt: skip

    scan = read_scan(make_series(tilt))
    assert warning_names(scan) == ["gantry-tilt"]
    assert "15.0 degrees" in scan.warnings[0][1]


def test_oblique_stack_without_shear_is_no_gantry_tilt(make_series, slices):
    angle = np.radians(15)
    cos, sin = np.cos(angle), np.sin(angle)

    def rotate(number, dataset):
        dataset.ImageOrientationPatient = [1, 0, 0, 0, round(cos, 6), round(-sin, 6)]
        # Along the slice normal: (1, 0, 0) x (0, cos, -sin) = (0, sin, cos).
        dataset.ImagePositionPatient = [
            0, round(2.5 * number * sin, 6), round(2.5 * number * cos, 6),
        ]  # fmt: skip

    scan = read_scan(make_series(rotate))
    assert scan.warnings == ()
    assert scan.spacing[2] == pytest.approx(2.5, abs=1e-4)


def test_files_without_positions_are_warned_of(make_series):
    def without(number, dataset):
        del dataset.ImagePositionPatient

    assert warning_names(read_scan(make_series(without))) == ["no-slice-positions"]
