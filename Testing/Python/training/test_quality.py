"""Quality figures of a change, on changes whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.training.quality import component_ml, slice_roughness, speckle_share

SPACING = (1.5, 1.5, 3.0)
K, J, I = np.mgrid[:4, :48, :48]  # noqa: E741  (K, J, I), voxels


def wave(axis: np.ndarray, wavelength_mm: float) -> np.ndarray:
    return np.sin(2 * np.pi * axis * 1.5 / wavelength_mm)


def test_waves_count_by_their_length():
    # 48 voxels of 1.5 mm = 72 mm: 6 and 24 mm waves fit in whole periods
    assert speckle_share(wave(J, 6), SPACING) == pytest.approx(1)
    assert speckle_share(wave(I, 24), SPACING) == pytest.approx(0, abs=1e-12)
    assert speckle_share(wave(J, 24) * wave(I, 24), SPACING) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("fine", "coarse"), [(I, J), (J, I), (I, I), (J, J)])
def test_energy_is_shared_alike_along_rows_and_columns(fine, coarse):
    change = wave(fine, 6) + 3 * wave(coarse, 24)  # energies 1 : 9
    assert speckle_share(change, SPACING) == pytest.approx(0.1)


def test_no_change_has_no_speckle_and_no_parts():
    assert speckle_share(np.zeros((2, 8, 8)), SPACING) == 0
    assert component_ml(np.zeros((2, 8, 8)), SPACING) == 0


def test_parts_are_averaged_over_their_voxels():
    change = np.zeros((4, 20, 20))
    change[0, :10, :10] = 60.0  # 100 voxels
    change[3, :10, :10] = -60.0  # 100 voxels
    change[0, 15:20, 15:20] = 80.0  # 25 voxels
    change[0, 12, 12] = 40.0  # too faint to see
    # (100^2 + 100^2 + 25^2) / 225 = 91.67 voxels of 6.75 mm^3
    assert component_ml(change, SPACING) == pytest.approx(20625 / 225 * 6.75e-3)


def test_roughness_compares_slopes_per_millimetre():
    # 6 per slice of 3 mm = 2 per mm through; 1.5 per pixel of 1.5 mm = 1 per mm in plane
    assert slice_roughness(6.0 * K + 1.5 * I, SPACING) == pytest.approx(2.0)
    assert slice_roughness(1.5 * J, SPACING) == 0
