"""Planted findings: the cover's volume, the untouched rest, seeds, places and refusals."""

import numpy as np
import pytest

from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.planting import FINDINGS, plant, ready_chest
from domes import SPACING, STEP

VOXEL_ML = STEP**3 * 1e-3
ML = {"effusion": 200.0, "consolidation": 60.0, "nodule": 8.0, "pneumothorax": 150.0}


@pytest.fixture(scope="module")
def ready(chest):
    hu, lungs = chest
    return ready_chest(hu, lungs, SPACING)


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("seed", range(3))
def test_a_finding_has_its_volume_and_little_else_changes(chest, ready, finding, seed):
    hu = chest[0]
    before = hu.copy()
    rng = np.random.default_rng(seed)
    planted = plant(finding, hu, ready, SPACING, rng, ml=ML[finding])
    assert np.array_equal(hu, before)
    assert planted.ml == pytest.approx(planted.cover.sum(dtype=float) * VOXEL_ML)
    assert planted.ml == pytest.approx(ML[finding], rel=0.12)
    assert planted.cover.min() >= 0.0 and planted.cover.max() <= 1.0
    far = ~chest[1]
    for side in ready.sides:
        far[side.space.box] &= ~side.reach
    assert np.array_equal(planted.hu[far], before[far])
    moved = np.abs(planted.hu - before)[planted.cover > 0.7]
    assert np.median(moved) > (80.0 if finding == "pneumothorax" else 150.0)


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_same_seed_plants_the_same_voxels(chest, ready, finding):
    hu = chest[0]
    one, same, other = (
        plant(finding, hu, ready, SPACING, np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert np.array_equal(one.hu, same.hu) and one.place == same.place
    assert not np.array_equal(one.hu, other.hu)


def test_a_mask_does_as_well_as_a_chest_made_ready(chest, ready):
    hu = chest[0]
    one = plant("nodule", hu, chest[1], SPACING, np.random.default_rng(1))
    same = plant("nodule", hu, ready, SPACING, np.random.default_rng(1))
    assert np.array_equal(one.hu, same.hu)


def test_the_side_asked_for_is_where_it_lies(chest, ready):
    hu = chest[0]
    columns = np.arange(hu.shape[2])
    for side, expected in (("left", -1), ("right", 1)):
        planted = plant("nodule", hu, ready, SPACING, np.random.default_rng(2), side=side)
        middle = (planted.cover.sum(axis=(0, 1)) * columns).sum() / planted.cover.sum()
        assert planted.place.startswith(side)
        assert np.sign(middle - columns.mean()) == expected  # I grows to Right


def test_what_cannot_be_planted_is_said(chest, ready):
    hu = chest[0]
    rng = np.random.default_rng(0)
    with pytest.raises(SettingsError, match=r"no finding 'effusio'.*effusion"):
        plant("effusio", hu, ready, SPACING, rng)
    with pytest.raises(ScanError, match=r"No room in Anna for 90000 mL of effusion.*right"):
        plant("effusion", hu, ready, SPACING, rng, ml=90000.0, name="Anna")
    with pytest.raises(ScanError, match="no lung to plant into in Anna"):
        plant("effusion", hu, np.zeros(hu.shape, bool), SPACING, rng, name="Anna")
    with pytest.raises(ScanError, match=r"another|this very scan"):
        plant("effusion", hu, np.zeros((2, 2, 2), bool), SPACING, rng, name="Anna")
    with pytest.raises(SettingsError, match="above 0"):
        plant("effusion", hu, ready, SPACING, rng, ml=-1.0)
