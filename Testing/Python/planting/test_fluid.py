"""Painted fluid: volume, place, density and border worked out by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.planting.fluid import (
    FLUID_HU,
    LARGEST_SHARE,
    Fluid,
    draw_fluid,
    paint_fluid,
)
from CTCounterfactualLib.planting.noise import noise_of
from CTCounterfactualLib.planting.pleura import find_spaces
from CTCounterfactualLib.training.effusion.distractors import (
    DISTRACTORS,
    SOLID_HU,
    paint_dependent_density,
    paint_distractors,
    paint_nodules,
    paint_rim,
)

VOXEL_ML = 1.5 * 1.5 * 3e-3
PLAIN = Fluid(
    ml=54.0, hu=10.0, direction=(0.0, -1.0, 0.0), meniscus_mm=0.0, edge_mm=0.01, seam_mm=0.0
)


def ml(cover: np.ndarray) -> float:
    return float(cover.sum(dtype=float)) * VOXEL_ML


def test_a_flat_layer_lies_at_the_back(source):
    """54 mL over 60 x 60 mm is 15 mm deep: ten voxels along J."""
    space = source.spaces[0]
    hu = source.hu.copy()
    cover = paint_fluid(hu, space, PLAIN, noise_hu=0.0)
    where = np.argwhere(hu != source.hu)
    assert where[:, 1].min() == 20  # J grows to Anterior: the lung's last voxel at the back
    assert where[:, 1].max() == 29
    # The surface itself goes through the centres of the last layer, which is half full.
    assert np.all(hu[4:24, 20:29, 10:50] == 10.0)
    assert np.allclose(hu[4:24, 29, 10:50], (10.0 - 850.0) / 2, atol=1.0)
    assert ml(cover) == pytest.approx(54.0 - 0.5 * 5.4, abs=0.1)


def test_only_the_lung_changes_without_a_seam(source):
    hu = source.hu.copy()
    space = source.spaces[1]
    paint_fluid(hu, space, draw_fluid(np.random.default_rng(1), 80.0), noise_hu=0.0)
    touched = hu != source.hu
    lung = np.zeros(hu.shape, bool)
    lung[space.box] = space.lung
    assert touched.any()
    assert not (touched & ~lung).any()  # the wall is denser than fluid and stays as it is


def test_the_seam_turns_mixed_voxels_of_the_wall_into_fluid(source):
    source.hu[:, 19] = -300.0  # half air, half wall, behind both lungs
    hu = source.hu.copy()
    paint_fluid(hu, source.spaces[0], Fluid(**{**vars(PLAIN), "seam_mm": 1.6}), 0.0)
    assert np.all(hu[6:22, 19, 12:48] == 10.0)
    assert np.all(hu[:, 19, 60:] == -300.0)


def test_a_soft_border_blends_over_its_width(source):
    hu = source.hu.copy()
    paint_fluid(hu, source.spaces[0], Fluid(**{**vars(PLAIN), "edge_mm": 6.0}), 0.0)
    profile = hu[14, 20:60, 30]
    blended = (profile > -849.0) & (profile < 9.0)
    assert np.all(np.diff(profile) <= 0)
    assert blended.sum() in (3, 4)  # 6 mm of 1.5 mm voxels


def test_compressed_lung_is_denser_towards_the_fluid(source):
    hu = source.hu.copy()
    paint_fluid(hu, source.spaces[0], Fluid(**{**vars(PLAIN), "collapse_mm": 15.0}), 0.0)
    profile = hu[14, 30:60, 30]
    assert profile[0] > -450.0
    assert np.all(np.diff(profile[:10]) < 0)
    assert np.all(profile[11:] == -850.0)


def test_aerated_lung_always_stays(source):
    space = source.spaces[0]
    cover = paint_fluid(source.hu.copy(), space, Fluid(**{**vars(PLAIN), "ml": 5000.0}), 0.0)
    assert ml(cover) == pytest.approx(LARGEST_SHARE * space.ml, rel=0.03)


@pytest.mark.parametrize("seed", range(8))
def test_drawn_effusions_have_their_volume_and_lie_behind(source, seed):
    rng = np.random.default_rng(seed)
    fluid = draw_fluid(rng, 60.0)
    assert FLUID_HU[0] <= fluid.hu <= FLUID_HU[1]
    space = source.spaces[0]
    cover = paint_fluid(source.hu.copy(), space, fluid, 0.0)
    assert ml(cover) == pytest.approx(60.0, rel=0.25)
    rows = np.arange(cover.shape[1])
    behind = (cover.sum(axis=(0, 2)) * rows).sum() / cover.sum()
    assert behind < (space.lung.sum(axis=(0, 2)) * rows).sum() / space.lung.sum()


def test_fluid_has_the_scans_noise(source):
    rng = np.random.default_rng(0)
    hu = source.hu + rng.normal(0.0, 12.0, source.hu.shape).astype(np.float32)
    measured = noise_of(hu)
    assert measured == pytest.approx(12.0, rel=0.15)
    paint_fluid(hu, source.spaces[0], PLAIN, measured)
    assert hu[4:24, 20:29, 10:50].std() == pytest.approx(measured, rel=0.2)
    assert noise_of(np.full((3, 5, 5), -1000.0)) == 0.0


def test_same_fluid_same_voxels(source):
    fluid = draw_fluid(np.random.default_rng(5), 40.0)
    first, again = source.hu.copy(), source.hu.copy()
    paint_fluid(first, source.spaces[0], fluid, 10.0)
    paint_fluid(again, source.spaces[0], fluid, 10.0)
    assert np.array_equal(first, again)


@pytest.mark.parametrize("paint", DISTRACTORS)
def test_distractors_change_lung_only_and_not_all_of_it(source, paint):
    hu = source.hu.copy()
    paint(hu, source.spaces[0], np.random.default_rng(2), 0.0)
    touched = hu != source.hu
    assert 0.005 < touched[source.spaces[0].box].mean() < 0.9
    touched[source.spaces[0].box] &= ~source.spaces[0].lung
    assert not touched.any()


@pytest.mark.parametrize("seed", range(6))
def test_a_rim_is_never_at_the_back(source, seed):
    hu = source.hu.copy()
    paint_rim(hu, source.spaces[0], np.random.default_rng(seed), 0.0)
    solid = np.argwhere(hu[source.spaces[0].box] - source.hu[source.spaces[0].box] > 600.0)
    middle = np.argwhere(source.spaces[0].lung)[:, 1].mean()
    assert solid[:, 1].mean() > middle - 3


def test_nodules_are_solid_and_dependent_lung_stays_aerated(source):
    hu = source.hu.copy()
    paint_nodules(hu, source.spaces[0], np.random.default_rng(3), 0.0)
    assert SOLID_HU[0] <= hu[source.spaces[0].box][source.spaces[0].lung].max() <= SOLID_HU[1]
    hu = source.hu.copy()
    paint_dependent_density(hu, source.spaces[0], np.random.default_rng(3), 0.0)
    assert hu[source.spaces[0].box][source.spaces[0].lung].max() <= -350.0


def test_distractors_are_drawn_by_the_generator(source, lungs):
    spaces = find_spaces(lungs, (1.5, 1.5, 3.0))
    first, again, other = (source.hu.copy() for _ in range(3))
    for hu, seed in ((first, 1), (again, 1), (other, 2)):
        paint_distractors(hu, spaces, np.random.default_rng(seed), 5.0)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
