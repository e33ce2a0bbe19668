"""Checks of voxel values: finite, and Hounsfield units."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.checks import check_hounsfield, check_numbers


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
    "hardly any soft tissue": np.where(body() < 0, -1000, 900),
}


@pytest.mark.parametrize("told", NOT_HU)
def test_what_speaks_against_hu_is_told_in_one_line(told):
    with pytest.raises(ScanError) as caught:
        check_hounsfield(NOT_HU[told], "scan.nii", assume_hu=False)
    message = str(caught.value)
    assert message.startswith("scan.nii doesn't look like a CT scan in HU:")
    assert told in message
    assert "--assume-hu" in message
    assert "\n" not in message


@pytest.mark.parametrize("told", NOT_HU)
def test_who_insists_gets_a_warning_instead(told):
    ((name, message),) = check_hounsfield(NOT_HU[told], "scan.nii", assume_hu=True)
    assert name == "assumed-hu"
    assert told in message
