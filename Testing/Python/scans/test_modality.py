"""Scans that aren't CT: how their numbers become 0..1, and what is refused or left out."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.checks import check_scan
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.hounsfield import IntensityWindow
from CTCounterfactualLib.scans.modality import PERCENTILE, RAW, ZSCORE, unit_of, window_of
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan

RAS_IN_LPS = (-1, 0, 0, 0, -1, 0, 0, 0, 1)


def mr(values, name="head"):
    return Scan.from_array(values, (2.0, 2.0, 2.0), direction=RAS_IN_LPS, name=name, modality="MR")


def head():
    """A block of 100 to 900 in a background of 0."""
    values = np.zeros((10, 20, 20), np.float32)
    values[2:8, 4:16, 4:16] = np.linspace(100, 900, 6)[:, None, None]
    return values


def grid(intensity, low, high):
    return GridSpec((2.0, 2.0, 2.0), IntensityWindow(low, high), modality="MR", intensity=intensity)


def test_percentiles_and_deviations_leave_the_background_out():
    values = np.array([0.0] * 900 + list(range(1, 101)))
    assert window_of(values, PERCENTILE, 0, 100, "x") == (1.0, 100.0)
    low, high = window_of(values, ZSCORE, -2.0, 2.0, "x")
    deviation = np.arange(1, 101).std()
    assert low == pytest.approx(50.5 - 2 * deviation)
    assert high == pytest.approx(50.5 + 2 * deviation)


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [
        (grid(RAW, 100, 900), 100, 900),
        (grid(PERCENTILE, 0, 100), 100, 900),
        (grid(ZSCORE, -1, 1), 500 - np.linspace(100, 900, 6).std(),
         500 + np.linspace(100, 900, 6).std()),
    ],
)  # fmt: skip
def test_prepared_runs_from_0_to_1_and_knows_its_window(spec, low, high):
    prepared = prepare(mr(head()), spec)
    window = prepared.spec.window
    assert (window.low_hu, window.high_hu) == (pytest.approx(low), pytest.approx(high))
    expected = np.clip((head() - low) / (high - low), 0, 1)
    assert np.abs(prepared.volume - expected).max() < 1e-5
    again = prepare(mr(head() * 0.5 + 300), prepared.spec)  # its window is settled
    assert again.spec == prepared.spec


def test_a_change_comes_back_in_the_scans_own_unit():
    prepared = prepare(mr(head()), grid(PERCENTILE, 0, 100))
    assert prepared.spec.window.hu_per_unit == pytest.approx(800)
    assert unit_of("MR") == mr(head()).unit == "MR units"
    assert unit_of("CT") == "HU"


def test_numbers_below_air_stay_what_they_are():
    values = head() - 5000  # as some derived maps have them
    prepared = prepare(mr(values), grid(RAW, -5000, -4000))
    assert prepared.volume[0].max() == 0.0
    assert prepared.volume[7, 8, 8] == pytest.approx(0.9)


def test_lungs_are_refused_and_the_body_is_all_of_it():
    prepared = prepare(mr(head()), grid(PERCENTILE, 1, 99))
    with pytest.raises(ScanError, match="Lungs are found by their HU; this scan is MR"):
        _ = prepared.lungs
    assert np.array_equal(prepared.body, prepared.inside)


@pytest.mark.parametrize("modality", ["CT", "PT"])
def test_a_model_for_another_modality_is_refused(modality):
    scan = Scan.from_array(head(), modality=modality, name="thorax")
    with pytest.raises(ScanError, match=f"thorax is {modality}, and this model is for MR"):
        prepare(scan, grid(RAW, 0, 1))


def test_hu_belong_to_ct_only():
    with pytest.raises(ScanError, match="can't have the intensity 'hu'"):
        prepare(mr(head()), GridSpec(modality="MR"))
    with pytest.raises(ScanError, match="can't have the intensity 'zscore'"):
        prepare(Scan.from_array(head()), GridSpec(intensity=ZSCORE))


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_one_value_everywhere_is_no_scan(value):
    with pytest.raises(ScanError, match=f"Every voxel of head is {value:g}"):
        prepare(mr(np.full((4, 8, 8), value, np.float32)), grid(ZSCORE, -1, 1))


def test_nothing_is_expected_of_the_numbers_of_another_modality(tmp_path):
    image = sitk.GetImageFromArray(head())
    path = tmp_path / "t1.nii.gz"
    sitk.WriteImage(image, str(path))
    with pytest.raises(ScanError, match="doesn't look like a CT scan"):
        read_scan(path)
    scan = read_scan(path, modality="MR")
    assert (scan.modality, scan.unit) == ("MR", "MR units")
    assert "assumed-hu" not in dict(scan.warnings)
    assert check_scan(scan) is scan
    bad = head()
    bad[0, 0, 0] = np.nan
    with pytest.raises(ScanError, match="NaN"):
        check_scan(mr(bad))
