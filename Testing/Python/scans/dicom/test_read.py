"""Reading a folder of single slices: order, geometry, values, which files count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import ORIGIN, ROOT, SERIES_UID, SPACING, body_hu, write_slices

OTHER_UID = ROOT + "77"


def test_voxels_and_geometry(series, names):
    scan = read_scan(series())
    assert np.array_equal(scan.array, body_hu())
    assert scan.spacing == pytest.approx(SPACING)
    assert scan.image.GetOrigin() == pytest.approx(ORIGIN)
    assert scan.image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert (scan.name, scan.series, names(scan)) == ("series", SERIES_UID, [])


def test_as_itk_reads_it(series):
    folder = series()
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    by_itk = sitk.ReadImage(files)
    scan = read_scan(folder)
    assert np.array_equal(scan.array, sitk.GetArrayFromImage(by_itk))
    assert scan.image.GetOrigin() == pytest.approx(by_itk.GetOrigin())
    assert scan.image.GetDirection() == pytest.approx(by_itk.GetDirection())
    assert scan.spacing == pytest.approx(by_itk.GetSpacing())


def test_instance_numbers_and_file_names_out_of_order_do_not_matter(series):
    def shuffle(k, dataset):
        dataset.InstanceNumber = (k * 5) % 12

    assert np.array_equal(read_scan(series(shuffle)).array, body_hu())


def test_a_stack_that_was_written_from_head_to_foot(series):
    def upside_down(k, dataset):
        dataset.ImageOrientationPatient = [1, 0, 0, 0, -1, 0]  # the normal points to the feet
        dataset.ImagePositionPatient = [ORIGIN[0], -ORIGIN[1], ORIGIN[2] + 5 * k]

    scan = read_scan(series(upside_down))
    assert np.array_equal(scan.array, body_hu()[::-1])
    assert scan.image.GetDirection() == (1, 0, 0, 0, -1, 0, 0, 0, -1)
    assert scan.image.GetOrigin() == pytest.approx((ORIGIN[0], -ORIGIN[1], ORIGIN[2] + 55))


def test_digest_depends_on_the_voxels(series):
    before = read_scan(series()).sha256
    assert read_scan(series()).sha256 == before

    def change_one_byte(k, dataset):
        if k == 4:
            dataset.PixelData = bytes([dataset.PixelData[0] ^ 1]) + dataset.PixelData[1:]

    assert read_scan(series(change_one_byte)).sha256 != before


def test_folder_without_files(tmp_path, refusal):
    assert "holds no DICOM series that can be read" in refusal(tmp_path)


def test_folder_with_other_files_only(tmp_path, refusal):
    (tmp_path / "notes.dcm").write_text("no DICOM at all" * 40)
    assert "holds no DICOM series that can be read. Give the folder" in refusal(tmp_path)


def test_folder_whose_folders_hold_the_slices(series, tmp_path, refusal):
    series(folder=tmp_path / "PA0" / "ST0" / "SE1")
    (tmp_path / "other").mkdir()
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    message = refusal(tmp_path)
    assert f"but its folder(s) {Path('PA0', 'ST0', 'SE1')} do. Give the folder that" in message


def test_folder_with_damaged_files_only(series, refusal):
    folder = series(numbers=range(3))
    for path in folder.iterdir():
        path.write_bytes(b"")
    assert "00.dcm is empty (0 bytes), so are 2 more. Copy it again." in refusal(folder)


def test_other_files_beside_the_slices_do_not_matter(series, names):
    folder = series()
    (folder / "notes.txt").write_text("from the clinic")
    (folder / "empty.txt").touch()
    (folder / ".DS_Store").write_bytes(b"")
    (folder / "sub").mkdir()
    scan = read_scan(folder)
    assert np.array_equal(scan.array, body_hu())
    assert names(scan) == []


@pytest.mark.parametrize("sop_class", ["481.3", "88.33", "11.1", "66.4", "481.2"])
def test_dicom_objects_that_are_no_scans_are_no_alarm(series, names, sop_class):
    folder = series()

    def other(k, dataset):
        dataset.SOPClassUID = f"1.2.840.10008.5.1.4.1.1.{sop_class}"
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.Modality = {"66.4": "SEG", "481.2": "RTDOSE"}.get(sop_class, "OT")
        dataset.SeriesInstanceUID = OTHER_UID
        if sop_class not in ("66.4", "481.2"):
            for keyword in ("Rows", "Columns", "BitsAllocated", "PixelData"):
                del dataset[keyword]

    write_slices(folder, other, [0], prefix="other")
    scan = read_scan(folder)
    assert np.array_equal(scan.array, body_hu())
    assert names(scan) == []


@pytest.mark.parametrize("numbers", [range(9, 12), [0, 1]])
def test_empty_files_are_named(series, names, numbers):
    folder = series()
    for k in numbers:
        (folder / f"{k:02d}.dcm").write_bytes(b"")
    scan = read_scan(folder)
    assert names(scan) == ["unreadable-dicom-files"]
    for k in numbers:
        assert f"{k:02d}.dcm is empty (0 bytes)" in scan.warnings[0][1]


@pytest.mark.parametrize("kept", [140, 300, 600, -1, -500])
def test_a_truncated_slice_in_the_middle_is_missing_and_named(series, refusal, kept):
    damaged = series() / "03.dcm"
    damaged.write_bytes(damaged.read_bytes()[:kept])
    message = refusal(damaged.parent)
    assert "misses slices: gaps run from 5.00 to 10.00 mm" in message
    assert "03.dcm is truncated" in message


@pytest.mark.parametrize("kept", [140, 300, 600, -1, -500])
def test_a_truncated_slice_at_the_end_is_warned_of(series, names, kept):
    damaged = series() / "11.dcm"
    damaged.write_bytes(damaged.read_bytes()[:kept])
    scan = read_scan(damaged.parent)
    assert np.array_equal(scan.array, body_hu()[:11])
    assert names(scan) == ["unreadable-dicom-files"]
    assert "11.dcm is truncated" in scan.warnings[0][1]


def test_what_is_not_dicom_among_the_slices_is_named(series, names):
    folder = series()
    (folder / "12.dcm").write_bytes(bytes(5000))
    scan = read_scan(folder)
    assert names(scan) == ["unreadable-dicom-files"]
    assert "12.dcm isn't DICOM" in scan.warnings[0][1]


def test_copies_of_slices_are_left_out_and_named(series, names):
    folder = series()
    (folder / "copy of 05.dcm").write_bytes((folder / "05.dcm").read_bytes())
    scan = read_scan(folder)
    assert np.array_equal(scan.array, body_hu())
    assert names(scan) == ["copies-left-out"]
    assert "copy of 05.dcm" in scan.warnings[0][1]


def test_data_sets_without_preamble(series):
    folder = series()
    for path in folder.iterdir():
        data = path.read_bytes()
        # Without preamble and file header: the data set alone, from group 8 on.
        path.write_bytes(data[data.index(b"\x08\x00\x08\x00CS") :])
    assert np.array_equal(read_scan(folder).array, body_hu())


def test_file_of_one_slice_asks_for_the_folder(series, refusal):
    message = refusal(series() / "03.dcm")
    assert "is a single slice (24 x 24 x 1)" in message
    assert "give the folder" in message


def test_series_of_one_slice(series, refusal):
    assert "(CT, 1 file)" in refusal(series(numbers=[3]))


def test_an_index_and_an_object_without_image_given_as_files(series, refusal):
    path = series() / "03.dcm"
    index = path.rename(path.with_name("DICOMDIR"))
    assert "is the index of a DICOM medium" in refusal(index)

    def report(k, dataset):
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
        for keyword in ("Rows", "Columns", "PixelData"):
            del dataset[keyword]

    assert "holds no image" in refusal(series(report, numbers=[0]) / "00.dcm")


def test_a_modality_that_is_not_ct(series, refusal, names):
    def as_mr(k, dataset):
        dataset.Modality = "MR"

    folder = series(as_mr)
    assert "has modality MR, not CT" in refusal(folder)
    assert names(read_scan(folder, assume_hu=True)) == []


@pytest.fixture
def two_series(series):
    """12 slices of one series, 5 others of a second one with a description in Latin-1."""

    def second(k, dataset):
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.SeriesInstanceUID = OTHER_UID
        dataset.SeriesDescription = "\u00dcbersicht Gr\u00f6\u00dfe"

    series()
    return series(second, numbers=range(5), prefix="b")


def test_series_are_listed_largest_first_in_their_own_letters(two_series, refusal):
    message = refusal(two_series)
    assert "holds 2 DICOM series" in message
    assert "1: made (CT, 12 files); 2: \u00dcbersicht Gr\u00f6\u00dfe (CT, 5 files)." in message


@pytest.mark.parametrize(
    ("wanted", "slices"), [("1", 12), ("2", 5), (OTHER_UID, 5), (SERIES_UID, 12)]
)
def test_a_series_is_chosen_by_number_or_uid(two_series, wanted, slices):
    assert np.array_equal(read_scan(two_series, series=wanted).array, body_hu()[:slices])


@pytest.mark.parametrize("wanted", ["0", "3", "made", "", "1.x", "3.1"])
def test_unknown_series_is_told_with_the_choice(two_series, refusal, wanted):
    message = refusal(two_series, series=wanted)
    assert f"There is no series {wanted!r}" in message
    assert "2: \u00dcbersicht Gr\u00f6\u00dfe (CT, 5 files)" in message


def test_a_damaged_file_of_another_series_is_no_alarm(two_series, names):
    other = two_series / "b01.dcm"
    other.write_bytes(other.read_bytes()[:-10])
    assert names(read_scan(two_series, series="1")) == []
