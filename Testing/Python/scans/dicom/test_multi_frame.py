"""Multi-frame files get the checks that slices get, alone, in a folder and several in a series."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import RLELossless

from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import ORIGIN, SPACING, at, body_hu, item, write_enhanced

HU = body_hu()
ALL = [at(k) for k in range(12)]


@pytest.fixture
def enhanced(tmp_path):
    """Return a function that writes an Enhanced CT file into a folder of its own."""

    def write(positions=ALL, hu=HU, name="a.dcm", **options):
        return write_enhanced(tmp_path / "multi" / name, positions, hu, **options)

    return write


def check(scan, names):
    assert np.array_equal(scan.array, HU)
    assert scan.spacing == pytest.approx(SPACING)
    assert scan.image.GetOrigin() == pytest.approx(ORIGIN)
    assert names(scan) == []


def test_a_file_and_a_folder_with_it(enhanced, names):
    path = enhanced()
    check(read_scan(path), names)
    assert read_scan(path).name == "a"
    check(read_scan(path.parent), names)


def test_frames_in_any_order(enhanced, names):
    order = np.random.default_rng(3).permutation(12)
    check(read_scan(enhanced([at(k) for k in order], HU[order])), names)


def test_a_series_in_several_files(enhanced, names):
    enhanced(ALL[:5], HU[:5], "lower.dcm")
    folder = enhanced(ALL[5:], HU[5:], "upper.dcm").parent
    check(read_scan(folder), names)


def test_each_frame_has_its_own_rescale(enhanced):
    def edit_frame(n, own):
        own.PixelValueTransformationSequence = item(
            RescaleIntercept=-1024 + n, RescaleSlope=1, RescaleType="HU"
        )

    scan = read_scan(enhanced(edit_frame=edit_frame, rescale=False))
    assert np.array_equal(scan.array, HU + np.arange(12)[:, None, None])


def test_frames_without_rescale(enhanced, refusal):
    assert "lacks the rescale intercept" in refusal(enhanced(rescale=False))

    def edit_frame(n, own):
        if n:
            own.PixelValueTransformationSequence = item(RescaleIntercept=-1024, RescaleSlope=1)

    message = refusal(enhanced(rescale=False, edit_frame=edit_frame))
    assert "in 1 of 12 slices (a.dcm, frame 1 first)" in message


@pytest.mark.parametrize("lacking", [range(5, 8), [6]])
def test_missing_frames(enhanced, refusal, lacking):
    kept = [k for k in range(12) if k not in lacking]
    assert "misses slices" in refusal(enhanced([at(k) for k in kept], HU[kept]))


def test_frames_without_positions_or_pixel_spacing(enhanced, refusal):
    def without(n, own):
        del own.PlanePositionSequence

    message = refusal(enhanced(edit_frame=without))
    assert "has no slice with a position" in message

    def one_without(n, own):
        if n == 3:
            del own.PlanePositionSequence

    assert "1 of 12 slices without a position" in refusal(enhanced(edit_frame=one_without))

    def without_size(dataset):
        del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence

    assert "has no slice with a pixel spacing" in refusal(enhanced(edit=without_size))


def test_a_capture_whose_one_position_is_that_of_the_file(enhanced, refusal):
    def capture(dataset):
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.3"
        del dataset.PerFrameFunctionalGroupsSequence
        del dataset.SharedFunctionalGroupsSequence
        dataset.ImagePositionPatient, dataset.PixelSpacing = at(0), [3.5, 4]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1

    assert "has no slice with a position" in refusal(enhanced(edit=capture))


def test_another_modality(enhanced, refusal, names):
    def as_mr(dataset):
        dataset.Modality = "MR"

    path = enhanced(edit=as_mr)
    assert "has modality MR, not CT" in refusal(path)
    check(read_scan(path, assume_hu=True), names)


def test_a_frame_from_another_side(enhanced, names):
    def edit_frame(n, own):
        if n == 12:
            own.PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 0, -1])

    path = enhanced([*ALL, [0, 0, 0]], np.concatenate([HU, HU[:1]]), edit_frame=edit_frame)
    scan = read_scan(path)
    assert np.array_equal(scan.array, HU)
    assert names(scan) == ["localizer-left-out"]
    assert "a.dcm, frame 13" in scan.warnings[0][1]


@pytest.mark.parametrize("share", [0.6, 0.95])
def test_a_truncated_file(enhanced, refusal, share):
    path = enhanced()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "a.dcm is truncated" in refusal(path)
    assert "a.dcm is truncated" in refusal(path.parent)


def test_compressed_frames(enhanced, names):
    def compress(dataset):
        dataset.compress(RLELossless)
        dataset.PhotometricInterpretation = "MONOCHROME1"

    check(read_scan(enhanced(edit=compress)), names)


def test_monochrome1_and_padding_of_frames(enhanced, names):
    hu = HU.copy()
    hu[:, :2] = 3000

    def edit(dataset):
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.add_new("PixelPaddingValue", "US", 4024)

    scan = read_scan(enhanced(hu=hu, edit=edit))
    assert (scan.array[:, :2] == -1000).all()
    assert np.array_equal(scan.array[:, 2:], HU[:, 2:])
    assert names(scan) == ["padding-as-air"]
