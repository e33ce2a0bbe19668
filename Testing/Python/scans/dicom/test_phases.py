"""Several volumes in one series: told apart, listed, chosen."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import SERIES_UID, at, body_hu, item, write_enhanced

HU = body_hu()


def second(keyword=None, value=None, shift=0.0):
    """Return an edit that makes a second phase of slices: numbered on, moved, told by a tag."""

    def edit(k, dataset):
        dataset.InstanceNumber = 101 + k
        dataset.ImagePositionPatient = at(k + shift / 5)
        if keyword:
            setattr(dataset, keyword, value)

    return edit


@pytest.mark.parametrize("shift", [0.0, 2.5])
@pytest.mark.parametrize(
    ("keyword", "value", "told"),
    [("AcquisitionNumber", 2, "1.1: acquisition 1 (12 slices); 1.2: acquisition 2 (12 slices)"),
     ("TemporalPositionIdentifier", 2, "1.2: temporal position 2 (12 slices)"),
     ("NominalPercentageOfCardiacPhase", 70, "1.2: cardiac phase 70"),
     ("ContrastBolusAgent", "Iodine", "1.2: contrast agent Iodine (12 slices)"),
     ("PatientID", "Doe", "1.1: patient 1 (12 slices); 1.2: patient 2 (12 slices)"),
     ("ConvolutionKernel", "B70f", "1.2: kernel B70f (12 slices)")],
)  # fmt: skip
def test_phases_are_listed_by_what_tells_them_apart(series, refusal, keyword, value, told, shift):
    series(numbers=range(12))
    folder = series(second(keyword, value, shift), prefix="b", hu=HU + 7)
    message = refusal(folder)
    assert "holds 2 volumes" in message
    assert "Doe" not in message
    assert "Choose one with series=NUMBER: 1.1:" in message
    assert told in message
    assert np.array_equal(read_scan(folder, series="1.1").array, HU)
    assert np.array_equal(read_scan(folder, series="1.2").array, HU + 7)
    by_uid = read_scan(folder, series=SERIES_UID + ".2")
    assert np.array_equal(by_uid.array, HU + 7)
    assert by_uid.series == read_scan(folder, series="1.2").series == SERIES_UID + ".2"
    assert "Choose one" in refusal(folder, series="1.3")


def test_phases_are_told_by_the_order_of_their_numbers_if_by_nothing_else(series, refusal):
    series()
    folder = series(second(), prefix="b", hu=HU + 7)
    assert "1.1: images 1 to 12 (12 slices); 1.2: images 101 to 112 (12 slices)" in refusal(folder)
    assert np.array_equal(read_scan(folder, series="1.2").array, HU + 7)


def test_two_slices_at_one_position_that_nothing_tells_apart(series, refusal):
    def down_one(k, dataset):
        if k == 4:
            dataset.ImagePositionPatient = at(3)

    message = refusal(series(down_one))
    assert "several slices at the same position (03.dcm and 04.dcm)" in message


@pytest.mark.parametrize(
    ("keyword", "told"),
    [
        ("PatientID", "patient"),
        ("StudyInstanceUID", "study"),
        ("FrameOfReferenceUID", "frame of reference"),
    ],
)
def test_patients_studies_and_frames_of_reference_are_never_one_volume(
    series, refusal, keyword, told
):
    def halves(k, dataset):
        setattr(dataset, keyword, "1.2.3" if k < 6 else "1.2.4")

    folder = series(halves)
    message = refusal(folder)
    assert f"holds 2 volumes each of another {told}" in message
    assert "1.2.3" not in message  # whose scan it is stays out of it
    assert np.array_equal(read_scan(folder, series="1.2").array, HU[6:])

    def last(k, dataset):
        setattr(dataset, keyword, "1.2.3" if k < 11 else "1.2.4")

    message = refusal(series(last, folder=folder.parent / "last"))
    assert f"more than one {told}: 11.dcm not of the same as the others" in message


def test_numbers_that_a_program_took_out_or_made_anew_for_each_slice(series, names):
    def some(k, dataset):
        dataset.PatientID = "" if k < 6 else "A"
        dataset.FrameOfReferenceUID = f"1.2.{k + 1}"

    assert names(read_scan(series(some))) == []


def test_acquisitions_that_follow_one_another_are_one_volume(series, names):
    def step(k, dataset):
        dataset.AcquisitionNumber = 1 + k // 4  # four slices a rotation

    scan = read_scan(series(step))
    assert np.array_equal(scan.array, HU)
    assert names(scan) == []


def test_an_acquisition_number_for_each_slice_is_one_volume(series, names):
    def each(k, dataset):
        dataset.AcquisitionNumber = 50 + k

    assert names(read_scan(series(each))) == []


@pytest.mark.parametrize("told", [True, False])
def test_frames_of_two_phases(tmp_path, refusal, told):
    def edit_frame(n, own):
        if told:
            own.FrameContentSequence = item(TemporalPositionIndex=1 + n // 12)

    path = write_enhanced(
        tmp_path / "a.dcm",
        [at(n % 12) for n in range(24)],
        np.concatenate([HU, HU + 7]),
        edit_frame=edit_frame,
    )
    message = refusal(path)
    assert ("1.2: temporal position 2" if told else "1.2: images 13 to 24") in message
    assert np.array_equal(read_scan(path, series="1.2").array, HU + 7)


def test_phases_in_a_file_each(tmp_path, refusal):
    positions = [at(n) for n in range(12)]
    write_enhanced(tmp_path / "early.dcm", positions, HU)
    write_enhanced(tmp_path / "late.dcm", positions, HU + 7)
    assert "1.1: file late.dcm (12 slices); 1.2: file early.dcm" in refusal(tmp_path)
    assert np.array_equal(read_scan(tmp_path, series="1.1").array, HU + 7)
