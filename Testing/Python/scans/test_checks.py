"""Checks of every scan: finite, in Hounsfield units, with a voxel size and a shape."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.checks import check_hounsfield, check_numbers, check_scan
from CTCounterfactualLib.scans.scan import Scan

SPACING = (4.0, 4.0, 10.0)  # mm: `body` measures 80 x 80 x 80 mm


def body(dtype=np.float32):
    """A block of soft tissue (40 HU) in air, (K, J, I), HU."""
    hu = np.full((8, 20, 20), -1000, dtype)
    hu[:, 5:15, 5:15] = 40
    return hu


@pytest.mark.parametrize(
    ("bad", "count"), [([np.nan], 1), ([np.inf], 1), ([-np.inf, np.nan, np.nan], 3)]
)
def test_nan_and_infinity_are_counted(bad, count):
    hu = body()
    hu[0, 0, : len(bad)] = bad
    with pytest.raises(ScanError, match=rf"scan.nii holds {count} NaN or infinite .* among 3200;"):
        check_numbers(hu, "scan.nii")


def test_finite_numbers_pass():
    check_numbers(body(), "scan.nii")
    check_numbers(body(np.int16), "scan.nii")


def test_a_body_in_air_passes_without_a_warning():
    assert check_hounsfield(body(), "scan.nii", assume_hu=False) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda hu: hu / 2, "the lowest value is -500"),
        (lambda hu: hu * 0.6 + 150, "the lowest value is -450"),
        (lambda hu: np.clip(hu, -600, None), "the lowest value is -600"),
        (lambda hu: np.where((hu < -900) & (hu > -1000), 0, hu), "are exactly 0 (water)"),
    ],
)
def test_values_that_were_scaled_cut_or_filled_are_told(change, told):
    hu = body()
    hu[:, 15:] = -950  # around the body, beside air
    ((name, message),) = check_hounsfield(change(hu), "scan.nii", assume_hu=False)
    assert name == "doubtful-hu"
    assert told in message


def test_water_with_noise_is_no_filling():
    hu = body()
    hu[:, 5:15, 5:15] = np.random.default_rng(2).integers(-2, 3, (8, 10, 10))
    assert check_hounsfield(hu, "scan.nii", assume_hu=False) == ()


def test_directions_of_another_length_leave_the_voxel_size_open():
    direction = (1, 0, 0, 0, 1, 0, 0, 0, 1.5)
    with pytest.raises(ScanError, match=r"lengths 1 x 1 x 1\.5; 1 is expected"):
        check_scan(Scan.from_array(body(), SPACING, direction=direction))


def test_metal_and_padding_pass():
    hu = body(np.int16)
    hu[:, 0] = -3024
    hu[3, 8, 8:10] = 3071
    assert check_hounsfield(hu, "scan.nii", assume_hu=False) == ()


NOT_HU = {
    "every voxel is 7": np.full((4, 5, 6), 7, np.int16),
    "8-bit image, values run from 0 to 255": np.arange(256, dtype=np.uint8).reshape(4, 8, 8),
    "stored values without the rescale intercept": (body(np.int16) + 1024).astype(np.uint16) + 24,
    "no air or lung": np.clip(body(), 0, 1),
    "more than 1% above 4000 HU": body() * 100 + 1000,
    "hardly any soft tissue": np.where(body() < 0, -1000, 500),
}


@pytest.mark.parametrize("told", NOT_HU)
def test_what_speaks_against_hu_is_told_in_one_line(told):
    with pytest.raises(ScanError) as caught:
        check_hounsfield(NOT_HU[told], "scan.nii", assume_hu=False)
    message = str(caught.value)
    assert message.startswith("scan.nii doesn't look like a CT scan in HU:")
    assert told in message
    assert "assume_hu=True" in message
    assert "\n" not in message


@pytest.mark.parametrize("told", NOT_HU)
def test_who_insists_gets_a_warning_instead(told):
    ((name, message),) = check_hounsfield(NOT_HU[told], "scan.nii", assume_hu=True)
    assert name == "assumed-hu"
    assert told in message


def patient(seed=3):
    """Air, lung, fat, muscle and a little bone with noise, (K, J, I) = (10, 40, 40), HU."""
    rng = np.random.default_rng(seed)
    hu = np.full((10, 40, 40), -1000.0)
    hu[:, 4:36, 4:36] = -100
    hu[:, 6:34, 6:34] = 50
    hu[:, 10:28, 8:18] = hu[:, 10:28, 22:32] = -850
    hu[:, 28:32, 18:22] = 600
    noise = rng.normal(0, 15, hu.shape)
    return np.clip(np.rint(hu + noise), -1024, 3071).astype(np.int16)


def padded(hu, value, rows=6):
    """Some rows outside the patient as padding."""
    hu = hu.copy()
    hu[:, :rows] = value
    return hu


def rim(hu, value):
    """Padding in the upper rows that linear resampling has blended into the scan."""
    weight = np.clip((np.arange(40) - 3) / 2, 0, 1)[None, :, None]
    return np.rint(hu * weight + value * (1 - weight)).astype(np.int16)


HU = {
    "plain": patient(),
    "padding -2000": padded(patient(), -2000),
    "padding -3024": padded(patient(), -3024),
    "blended padding": rim(patient(), -2048),
    "padding -32768": padded(patient(), -32768),
    "body alone, padding at air": np.where(patient() < -300, -1000, patient()),
    "soft tissue alone in padding": padded(patient()[:, :, 4:9], -2048),
    "lung crop": patient()[:, 9:29, 7:19],
    "metal": np.where(patient() > 640, 3071, patient()),
}
STORED = {
    "HU + 1024, padding -2000": padded(patient() + 1024, -2000),
    "HU + 1024, padding -1024": padded(patient() + 1024, -1024),
    "HU + 1024, padding -32768": padded(patient() + 1024, -32768),
    "HU + 1000, padding -1000": padded(patient() + 1000, -1000),
    "HU + 1024, padding blended": rim(patient() + 1024, -2000),
    "HU + 1024": patient() + 1024,
    "HU + 1024, lung crop in padding": padded((patient() + 1024)[:, 9:29, 7:19], -2000, 2),
    "HU + 1000": patient() + 1000,
    "HU + 1000, one voxel at -500": np.where(
        np.arange(16000).reshape(10, 40, 40) == 7, -500, patient() + 1000
    ),
    "negated": -patient(),
    "intercept twice": patient() - 1024,
    "in thousands": patient() / 1000.0,
    "ten times": patient() * np.int16(10),
    "8 bits as int16": ((patient().clip(-1000, 400) + 1000) * 255.0 / 1400).astype(np.int16),
    "soft tissue window": patient().clip(-160, 240),
}


@pytest.mark.parametrize("kind", HU)
def test_hu_pass_whatever_the_padding_and_the_crop(kind):
    assert check_hounsfield(HU[kind], kind, assume_hu=False) == ()


@pytest.mark.parametrize("kind", STORED)
def test_what_is_not_hu_is_refused_whatever_the_padding(kind):
    with pytest.raises(ScanError, match="doesn't look like a CT scan in HU"):
        check_hounsfield(STORED[kind], kind, assume_hu=False)


@pytest.mark.parametrize("kind", ["HU + 1024, padding -2000", "HU + 1000, padding -1000"])
def test_the_true_cause_is_told_of_stored_values_beside_a_padding(kind):
    with pytest.raises(ScanError, match=r"with padding left out .* stored values \(HU \+ 1024"):
        check_hounsfield(STORED[kind], kind, assume_hu=False)


def scan_of(hu, spacing=SPACING, **geometry):
    return Scan.from_array(hu, spacing, name="mine", **geometry)


def test_a_sound_scan_comes_back_as_it_is():
    scan = scan_of(body(np.int16))
    assert check_scan(scan) is scan


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [(np.uint16, sitk.sitkInt32), (np.int64, sitk.sitkInt32), (np.float64, sitk.sitkFloat32),
     (np.int32, sitk.sitkInt32), (np.float32, sitk.sitkFloat32)],
)  # fmt: skip
def test_types_that_are_not_computed_with_become_one_that_holds_them(dtype, wanted):
    hu = body(np.int32)
    hu[0, 0, 0] = 40_000  # beyond int16
    values = np.maximum(hu, 0) if dtype == np.uint16 else hu
    half = 0.5 if np.issubdtype(dtype, np.floating) else 0
    scan = check_scan(scan_of((values + half).astype(dtype)), assume_hu=True)
    assert scan.image.GetPixelID() == wanted
    assert np.array_equal(scan.array, values + half)


def test_a_scan_from_python_is_checked_like_one_from_a_file():
    with pytest.raises(ScanError, match=r"The scan 'mine' doesn't look like a CT scan in HU"):
        check_scan(scan_of(patient() + 1024))
    hu = patient().astype(np.float32)
    hu[2, 3, 4:6] = np.nan
    with pytest.raises(ScanError, match=r"The scan 'mine' holds 2 NaN or infinite value\(s\)"):
        check_scan(scan_of(hu))


def test_who_insisted_once_is_not_asked_again():
    insisted = check_scan(scan_of(patient() + 1024), assume_hu=True)
    assert [name for name, _ in insisted.warnings] == ["assumed-hu"]
    assert check_scan(insisted) is insisted


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (sitk.Image([20, 20], sitk.sitkInt16), "a single slice or a flat image (20 x 20)"),
        (sitk.Image([20, 20, 1], sitk.sitkInt16), "a single slice or a flat image (20 x 20 x 1)"),
        (sitk.Image([4, 4, 4], sitk.sitkVectorInt16, 3), "has 3 values a voxel"),
        (sitk.Image([4, 4, 4, 2], sitk.sitkInt16), "is 4D (4 x 4 x 4 x 2)"),
        (sitk.Image([4, 4, 4], sitk.sitkComplexFloat32), "holds complex of 32-bit float values"),
    ],
)  # fmt: skip
def test_what_is_no_volume_of_single_values(image, told):
    with pytest.raises(ScanError) as caught:
        check_scan(Scan(image, "mine"))
    assert told in str(caught.value)


@pytest.mark.parametrize("spacing", [(np.nan, 1, 1), (1, np.inf, 1)])
def test_a_voxel_size_that_is_no_number(spacing):
    with pytest.raises(ScanError, match=r"has a voxel size of .*(nan|inf).* must be a number"):
        check_scan(scan_of(body(np.int16), spacing))


def test_an_origin_that_is_no_number():
    with pytest.raises(ScanError, match="position or orientation"):
        check_scan(scan_of(body(np.int16), origin=(0, np.nan, 0)))


def test_axes_in_one_plane():
    flat = (1, 0, 0, 0, 1, 1, 0, 0, 1e-5)  # J and K almost the same direction
    with pytest.raises(ScanError, match="lie in one plane"):
        check_scan(scan_of(body(np.int16), direction=flat))


def test_voxels_that_no_scanner_has_are_warned_of():
    for spacing in ((4, 4, 0.01), (4, 4, 40)):
        scan = check_scan(scan_of(body(np.int16), spacing))
        assert [name for name, _ in scan.warnings] == ["implausible-size"]


@pytest.mark.parametrize(
    ("factor", "doubtful"), [(1.0, False), (0.1, True), (2.5, False), (1000.0, True)]
)
def test_a_size_that_no_patient_has_is_warned_of(factor, doubtful):
    scan = check_scan(scan_of(body(np.int16), tuple(factor * s for s in SPACING)))
    assert [name for name, _ in scan.warnings] == ["implausible-size"] * doubtful
    if doubtful:
        assert (
            f"measures {80 * factor:.4g} x {80 * factor:.4g} x {80 * factor:.4g} mm"
            in (scan.warnings[0][1])
        )


@pytest.mark.parametrize("dtype", [">i2", np.float16, np.int64])
def test_arrays_of_any_real_type_become_scans(dtype):
    scan = Scan.from_array(body().astype(dtype), SPACING)
    assert np.array_equal(scan.array, body().astype(dtype).astype(float))


@pytest.mark.parametrize("array", [body()[0], body()[None], body() > 0, body().astype(complex)])
def test_arrays_that_are_no_volume_of_numbers(array):
    with pytest.raises(ScanError, match=r"is an array of shape \(.*numbers \(K, J, I\) in HU"):
        Scan.from_array(array, SPACING)


@pytest.mark.parametrize(
    "geometry",
    [{"spacing": (-4, 4, 4)}, {"spacing": (4, 4)}, {"direction": (0,) * 9}, {"origin": "abc"}],
)
def test_a_geometry_that_is_none(geometry):
    with pytest.raises(ScanError, match=r"has the spacing .* that span a volume are expected"):
        Scan.from_array(body(), **geometry)
