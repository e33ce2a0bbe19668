"""Lung volume: litres worked out by hand, what is left out of the region, and its gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.models.classifiers.lung_volume import LungVolume
from CTCounterfactualLib.scans.grid import GridSpec, PreparedScan
from CTCounterfactualLib.scans.scan import Scan

VOXEL_LITRES = 1.5 * 1.5 * 3.0 * 1e-6
TISSUE, LUNG, GAS = 40.0, -850.0, -1000.0
LUNG_BOX = np.s_[8:28, 30:70, 20:60]  # (20, 40, 40) voxels
LUNG_VOXELS = 20 * 40 * 40


def body(shape=(36, 100, 120)) -> np.ndarray:
    """Return HU (K, J, I): air around a block of tissue that fills all slices."""
    hu = np.full(shape, GAS)
    hu[:, 10:-10, 10:-10] = TISSUE
    return hu


def chest() -> np.ndarray:
    hu = body()
    hu[LUNG_BOX] = LUNG
    return hu


def unit(hu: np.ndarray) -> np.ndarray:
    return LungVolume.grid.window.to_unit(hu).astype(np.float32)


def prepared(hu: np.ndarray) -> PreparedScan:
    scan = Scan.from_array(hu, LungVolume.grid.spacing)
    return PreparedScan(unit(hu), np.ones(hu.shape, bool), GridSpec(), scan, (0.0, 0.0, 0.0))


def tensor(hu: np.ndarray, dtype=torch.float64) -> torch.Tensor:
    return torch.from_numpy(LungVolume.grid.window.to_unit(hu)).to(dtype)[None, None]


def sigmoid(t: float) -> float:
    return 1 / (1 + math.exp(-t))


def test_a_box_of_lung_counts_its_voxels():
    classifier = LungVolume().for_scan(prepared(chest()))
    score = classifier.score(tensor(chest()))
    # (-500 + 850) / 50 = 7 inside; the 6 mm of tissue around it add sigmoid(-10.8) each
    inside = LUNG_VOXELS * sigmoid(7) * VOXEL_LITRES
    around = (24 * 48 * 48 - LUNG_VOXELS) * sigmoid(-10.8) * VOXEL_LITRES
    assert score.shape == (1,)
    assert inside < float(score) <= inside + around
    assert float(score) == pytest.approx(0.2158, abs=1e-4)  # 32 000 x 6.75e-6 x 0.99909


def test_score_of_a_batch_and_of_a_volume_that_was_not_prepared():
    smaller = chest()
    smaller[LUNG_BOX][:10] = TISSUE  # half of the box
    both = torch.cat([tensor(chest()), tensor(smaller)])
    scores = LungVolume().score(both, "Aerated Lung Volume")
    assert float(scores[0]) == pytest.approx(LUNG_VOXELS * sigmoid(7) * VOXEL_LITRES, rel=1e-3)
    assert float(scores[1]) == pytest.approx(float(scores[0]) / 2, rel=1e-3)


def test_region_is_fixed_by_the_scan():
    """Filling the lung lowers the score by what was filled; air elsewhere adds nothing."""
    classifier = LungVolume().for_scan(prepared(chest()))
    before = float(classifier.score(tensor(chest())))
    changed = chest()
    changed[10, 35, 25:35] = TISSUE  # ten voxels
    changed[10, 80, 90:100] = LUNG  # far from the lung
    lost = before - float(classifier.score(tensor(changed)))
    assert lost == pytest.approx(10 * (sigmoid(7) - sigmoid(-10.8)) * VOXEL_LITRES, rel=1e-6)


def test_lung_can_grow_into_the_margin():
    classifier = LungVolume().for_scan(prepared(chest()))
    grown = chest()
    grown[8:28, 30:70, 60:64] = LUNG  # 4 voxels = 6 mm
    gain = float(classifier.score(tensor(grown)) - classifier.score(tensor(chest())))
    assert gain == pytest.approx(20 * 40 * 4 * sigmoid(7) * VOXEL_LITRES, rel=1e-4)
    beyond = grown.copy()
    beyond[8:28, 30:70, 64:68] = LUNG  # more than 6 mm away
    assert float(classifier.score(tensor(beyond))) == float(classifier.score(tensor(grown)))


def test_gradient_is_that_of_the_soft_threshold():
    hu = chest()
    at = {(15, 50, 40): -500.0, (15, 50, 44): -450.0, (15, 50, 48): LUNG, (15, 50, 61): TISSUE}
    for position, value in at.items():
        hu[position] = value
    x = tensor(hu).requires_grad_(True)
    (gradient,) = torch.autograd.grad(LungVolume().for_scan(prepared(hu)).score(x).sum(), x)
    for position, value in at.items():
        t = (-500 - value) / 50
        slope = -sigmoid(t) * sigmoid(-t) * 2000 / 50 * VOXEL_LITRES  # d/dx of 0..1 intensities
        assert float(gradient[0, 0][position]) == pytest.approx(slope, rel=1e-9)
    # Near the threshold it is hundreds of times that inside the lung, and zero outside the region.
    assert gradient[0, 0, 15, 50, 40] / gradient[0, 0, 15, 50, 48] > 250
    assert float(gradient[0, 0, 15, 80, 90]) == 0.0
    assert float(gradient.max()) <= 0.0  # denser tissue never adds lung


def test_score_is_differentiable_to_second_digit_of_finite_differences():
    classifier = LungVolume().for_scan(prepared(chest()))
    rng = np.random.default_rng(0)
    hu = chest() + rng.normal(0, 80, chest().shape)
    x = tensor(hu).requires_grad_(True)
    (gradient,) = torch.autograd.grad(classifier.score(x).sum(), x)
    direction = torch.from_numpy(rng.standard_normal(x.shape))
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (classifier.score(x + s * step * direction) for s in (1, -1))
    slope = float((ahead - behind) / (2 * step))
    assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-6)


def test_small_changes_are_not_lost_in_float32():
    """One voxel of a volume of 1e7: 7e-7 of a litre must survive the sum of 4 litres."""
    hu = np.full((70, 256, 256), LUNG, np.float32)
    classifier = LungVolume(np.ones(hu.shape, np.float32))
    x = tensor(hu, torch.float32)
    before = float(classifier.score(x))
    x[0, 0, 35, 100, 100] = 0.52  # 40 HU
    lost = before - float(classifier.score(x))
    assert lost == pytest.approx(sigmoid(7) * VOXEL_LITRES, rel=1e-3)


def test_no_lung_is_refused():
    with pytest.raises(ScanError, match="no aerated region of 100 mL or more"):
        LungVolume().for_scan(prepared(body()))


def test_a_speck_of_lung_is_refused():
    hu = body()
    hu[10:20, 40:60, 40:60] = LUNG  # 4000 voxels = 27 mL
    with pytest.raises(ScanError, match="chest CT"):
        LungVolume().for_scan(prepared(hu))


def region(hu: np.ndarray) -> np.ndarray:
    """Return where one more litre of air would count, by the gradient's support."""
    x = tensor(np.full_like(hu, -500.0)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(LungVolume().for_scan(prepared(hu)).score(x).sum(), x)
    return gradient[0, 0].numpy() != 0


def disc(shape, row: float, column: float, radius: float) -> np.ndarray:
    j, i = np.mgrid[: shape[1], : shape[2]]
    return (j - row) ** 2 + (i - column) ** 2 <= radius**2


@pytest.mark.parametrize("gap", [2, 4, 12])
def test_a_trachea_is_left_out(gap):
    hu = chest()
    tube = disc(hu.shape, 50, 60 + gap + 6, 6)  # 18 mm wide, `gap` voxels beside the lung
    hu[4:, tube] = GAS
    found = region(hu)
    assert not found[4:, tube].any()
    assert found[LUNG_BOX].all()


@pytest.mark.parametrize("gap", [2, 4, 12])
def test_a_gas_bubble_is_left_out(gap):
    hu = chest()
    bubble = np.s_[6:26, 30:66, 60 + gap : 100]
    hu[bubble] = GAS
    found = region(hu)
    assert not found[bubble].any()
    assert found[LUNG_BOX].all()
    score = float(LungVolume().for_scan(prepared(hu)).score(tensor(hu)))
    assert score == pytest.approx(LUNG_VOXELS * sigmoid(7) * VOXEL_LITRES, rel=1e-3)


def test_two_lungs_with_a_vessel_and_a_nodule_inside():
    hu = chest()
    hu[8:28, 30:70, 66:100] = LUNG
    hu[8:28, 50:52, 20:50] = TISSUE  # a vessel that enters the first lung
    hu[16:18, 44:48, 80:84] = TISSUE  # a nodule in the second
    found = region(hu)
    assert found[LUNG_BOX].all()
    assert found[8:28, 30:70, 66:100].all()


def test_field_of_view_that_cuts_the_lung_is_told():
    whole = LungVolume().for_scan(prepared(chest()))
    assert "lung-cut-by-field-of-view" not in dict(whole.warnings())
    hu = chest()
    hu[28:, 30:70, 20:60] = LUNG  # up to the top slice: 1600 voxels of 1.5 x 1.5 mm lie on it
    message = dict(LungVolume().for_scan(prepared(hu)).warnings())["lung-cut-by-field-of-view"]
    assert "36 cm² at the top;" in message


def test_a_lung_on_one_side_only_is_told_with_both_volumes():
    one = dict(LungVolume().for_scan(prepared(chest())).warnings())["one-lung-small"]
    assert "0.00 L of lung were found on the right" in one
    both = chest()
    both[8:28, 30:70, 66:100] = LUNG
    assert LungVolume().for_scan(prepared(both)).warnings() == ()


def test_unknown_target_names_the_known_one():
    with pytest.raises(SettingsError, match="aerated lung volume"):
        LungVolume().score(tensor(chest()), "lung")
