"""Where the slices lie: every position counts; what doesn't belong to one stack is refused."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import ORIGIN, SPACING, at, body_hu


def moved(by):
    """Return an edit that moves slice k by `by(k)` (LPS mm)."""

    def edit(k, dataset):
        dataset.ImagePositionPatient = [float(a + b) for a, b in zip(at(k), by(k), strict=True)]

    return edit


@pytest.mark.parametrize("numbers", [(0, 1, 2, 4, 5, 6), (0, 1, 3), (0, 1, 2, 3, 5, 6, 8, 9)])
def test_missing_slices_in_the_middle(series, refusal, numbers):
    message = refusal(series(numbers=numbers))
    assert "misses slices: gaps run from 5.00 to 10.00 mm. Copy the whole series." in message


@pytest.mark.parametrize(
    ("numbers", "gap"), [(range(0, 12, 2), "10.00"), ((0, 11), "55.00"), (range(0, 12, 3), "15.00")]
)
def test_slices_missing_evenly_are_told_by_thickness_and_instance_numbers(
    series, refusal, numbers, gap
):
    message = refusal(series(numbers=numbers))
    assert f"they are 5 mm thick but lie {gap} mm apart, and instance numbers between 1 and" in (
        message
    )


def test_slices_missing_evenly_are_told_by_their_distance_without_instance_numbers(series, refusal):
    def edit(k, dataset):
        dataset.SpacingBetweenSlices = 5
        del dataset.InstanceNumber

    message = refusal(series(edit, numbers=range(0, 12, 2)))
    assert "they are to be 5 mm apart but lie 10.00 mm apart" in message


def test_thin_slices_far_apart_with_numbers_that_go_on_are_warned_of(series, names):
    def thin(k, dataset):
        dataset.SliceThickness = 1

    scan = read_scan(series(thin))
    assert np.array_equal(scan.array, body_hu())
    assert names(scan) == ["gaps-between-slices"]
    assert "are 1 mm thick but lie 5.00 mm apart" in scan.warnings[0][1]


def test_thin_slices_far_apart_numbered_in_turn_with_another_series(series, names):
    def in_turn(k, dataset):
        dataset.SliceThickness = 1
        dataset.InstanceNumber = 1 + 2 * k

    assert names(read_scan(series(in_turn))) == ["gaps-between-slices"]


def test_thick_slices_that_overlap_are_sound(series, names):
    def thick(k, dataset):
        dataset.SliceThickness = 10

    assert names(read_scan(series(thick))) == []


@pytest.mark.parametrize("numbered", [True, False])
def test_a_spacing_that_changes_on_purpose_is_called_so(series, refusal, numbered):
    wide = moved(lambda k: (0, 0, 5 * max(0, k - 5)))

    def edit(k, dataset):
        wide(k, dataset)
        if not numbered:
            del dataset.InstanceNumber

    message = refusal(series(edit))
    assert "changes its slice spacing from 5.00 to 10.00 mm at 05.dcm" in message
    assert "Resample it to even spacing first" in message
    assert "misses" not in message


def test_a_denser_part_is_a_change_of_spacing_too(series, refusal):
    message = refusal(series(moved(lambda k: (0, 0, -2.5 * max(0, k - 7)))))
    assert "changes its slice spacing from 5.00 to 2.50 mm at 07.dcm" in message


def test_uneven_spacing_is_warned_of_with_the_gaps(series, names):
    scan = read_scan(series(moved(lambda k: (0, 0, 0.4 * (k % 2)))))
    assert names(scan) == ["uneven-slice-spacing"]
    assert "from 4.60 to 5.40 mm" in scan.warnings[0][1]


def test_a_drift_that_misplaces_slices_by_more_than_half_a_gap(series, refusal):
    message = refusal(series(moved(lambda k: (0, 0, 0.13 * k * k)), numbers=range(12)))
    assert "drifts: gaps run from 5.13 to 7.73 mm" in message


@pytest.mark.parametrize("shifted", [[5], range(6, 11), range(6, 12)])
def test_slices_shifted_in_plane(series, refusal, shifted):
    message = refusal(series(moved(lambda k: (30 * (k in shifted), 0, 0))))
    assert "shifted in plane, by up to" in message
    assert ".dcm)" in message


def test_a_little_shift_is_warned_of(series, names):
    scan = read_scan(series(moved(lambda k: (0, 0.9 * (k == 5), 0))))
    assert names(scan) == ["shifted-slices"]
    assert "by up to 0.90 mm (05.dcm)" in scan.warnings[0][1]


@pytest.mark.parametrize("degrees", [15, -25])
def test_gantry_tilt_puts_each_slice_where_its_position_says(series, names, degrees):
    shift = SPACING[2] * np.tan(np.radians(degrees))
    scan = read_scan(series(moved(lambda k: (0, shift * k, 0))))
    assert names(scan) == ["gantry-tilt"]
    assert f"{abs(degrees)}.0 degrees" in scan.warnings[0][1]
    assert np.array_equal(scan.array, body_hu())
    for k in (0, 5, 11):
        place = scan.image.TransformIndexToPhysicalPoint((3, 2, k))
        x, y, z = at(k)
        wanted = (x + 3 * SPACING[0], y + 2 * SPACING[1] + shift * k, z)
        assert np.allclose(place, wanted, atol=1e-4)


def test_a_tilt_that_no_gantry_has_is_refused(series, refusal):
    message = refusal(series(moved(lambda k: (0, 8 * k, 0))))
    assert "stacked at 58 degrees to their normal" in message


def test_an_oblique_stack_without_shear_is_no_gantry_tilt(series, names):
    cos, sin = np.cos(np.radians(15)), np.sin(np.radians(15))

    def rotate(k, dataset):
        dataset.ImageOrientationPatient = [1, 0, 0, 0, round(cos, 6), round(-sin, 6)]
        # Along the slice normal: (1, 0, 0) x (0, cos, -sin) = (0, sin, cos).
        dataset.ImagePositionPatient = [0, round(5 * k * sin, 6), round(5 * k * cos, 6)]

    scan = read_scan(series(rotate))
    assert names(scan) == []
    assert scan.spacing[2] == pytest.approx(5, abs=1e-4)
    direction = np.reshape(scan.image.GetDirection(), (3, 3))
    assert np.allclose(direction.T @ direction, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("keyword", "told"),
    [("ImagePositionPatient", "position"), ("ImageOrientationPatient", "orientation"),
     ("PixelSpacing", "pixel spacing")],
)  # fmt: skip
def test_missing_geometry_is_refused_naming_the_files(series, refusal, keyword, told):
    def without(k, dataset):
        del dataset[keyword]

    message = refusal(series(without))
    assert f"has no slice with a{'n' * (told[0] == 'o')} {told} ({keyword}" in message

    def one_without(k, dataset):
        if k == 4:
            del dataset[keyword]

    message = refusal(series(one_without))
    assert "has 1 of 12 slices without" in message
    assert "04.dcm" in message


@pytest.mark.parametrize(
    ("keyword", "value", "told"),
    [("PixelSpacing", [0, 4], "has a pixel spacing of 0 x 4 mm in 04.dcm"),
     ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "has a damaged orientation in 04.dcm"),
     ("ImageOrientationPatient", [0, 0, 0, 0, 0, 0], "has a damaged orientation in 04.dcm")],
)  # fmt: skip
def test_geometry_that_cannot_be(series, refusal, keyword, value, told):
    def edit(k, dataset):
        if k == 4:
            dataset[keyword].value = value

    assert told in refusal(series(edit))


@pytest.mark.parametrize(
    ("keyword", "value", "told"),
    [("PixelSpacing", [7, 8], "different pixel spacing: 06.dcm has 7 x 8, most have 3.5 x 4"),
     ("ImageOrientationPatient", [1, 0, 0, 0, 0.999, 0.0447], "different orientation: 06.dcm")],
)  # fmt: skip
def test_slices_that_differ_are_refused_naming_one(series, refusal, keyword, value, told):
    def edit(k, dataset):
        if k in (6, 8, 10):
            dataset[keyword].value = value

    message = refusal(series(edit))
    assert told in message
    assert "(3 of 12 differ)" in message


def test_slices_of_different_size(series, refusal):
    def halve(k, dataset):
        if k == 3:
            dataset.Rows = 12
            dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2]

    assert "different size in pixels: 03.dcm has 12 x 24" in refusal(series(halve))


CORONAL = [1, 0, 0, 0, 0, -1]


@pytest.mark.parametrize("position", [at(12), [0, 300, 0]])
@pytest.mark.parametrize("says_so", [True, False])
def test_a_lone_localizer_is_left_out_and_named(series, names, position, says_so):
    def localizer(k, dataset):
        dataset.ImagePositionPatient = position
        dataset.ImageOrientationPatient = CORONAL
        if says_so:
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    series(localizer, numbers=[0], prefix="scout")
    scan = read_scan(series())
    assert np.array_equal(scan.array, body_hu())
    assert scan.image.GetOrigin() == pytest.approx(ORIGIN)
    assert names(scan) == ["localizer-left-out"]
    assert "scout00.dcm" in scan.warnings[0][1]


def test_many_slices_from_another_side_are_no_localizer(series, refusal):
    def coronal(k, dataset):
        dataset.ImageOrientationPatient = CORONAL

    series(coronal, numbers=range(5), prefix="c")
    assert "different orientation: c00.dcm" in refusal(series())
