"""Each painter's own look: where it lies, how dense it is, and what of the lung stays."""

import numpy as np
import pytest

from CTCounterfactualLib.planting import ready_chest
from CTCounterfactualLib.planting.consolidation import Consolidation, paint_consolidation
from CTCounterfactualLib.planting.effusion import Effusion, draw_effusion, paint_effusion
from CTCounterfactualLib.planting.nodule import Nodule, paint_nodule
from CTCounterfactualLib.planting.noise import Noise, measure_noise
from CTCounterfactualLib.planting.pneumothorax import Pneumothorax, paint_pneumothorax
from CTCounterfactualLib.planting.tubes import Tube, draw_tubes
from domes import SPACING, STEP

STILL = Noise(0.0, (0.0, 0.0, 0.0))
VOXEL_ML = STEP**3 * 1e-3


@pytest.fixture(scope="module")
def side(chest):
    return ready_chest(*chest, SPACING).sides[0]


@pytest.fixture(scope="module")
def part(chest, side):
    return chest[0][side.space.box]


def middle(cover):
    """Return where a cover lies, (K, J, I), voxels."""
    return np.array(
        [
            (cover.sum(axis=tuple({0, 1, 2} - {axis})) * np.arange(n)).sum() / cover.sum()
            for axis, n in enumerate(cover.shape)
        ]
    )


@pytest.mark.parametrize(
    ("down", "axis", "sign"),
    [
        ((0.0, -1.0, 0.0), 1, -1),
        ((0.0, 1.0, 0.0), 1, 1),
        ((0.0, 0.0, 1.0), 2, 1),
        ((0.0, 0.0, -1.0), 2, -1),
    ],
)
def test_free_fluid_lies_where_down_is(side, part, down, axis, sign):
    look = Effusion(150.0, down=down, meniscus_mm=0.0, waves_mm=0.0, collapse_mm=0.0)
    cover = paint_effusion(part, side, look, STILL).cover
    assert (middle(cover) - middle(side.space.lung))[axis] * sign * STEP > 15.0


@pytest.mark.parametrize("kind", ["free", "loculated", "subpulmonic", "rim"])
def test_fluid_of_each_kind_has_its_density_and_lies_on_the_pleura(side, part, kind):
    look = Effusion(150.0, kind=kind, hu=20.0, collapse_mm=0.0, waves_mm=0.0, seed=3)
    paint = paint_effusion(part, side, look, STILL)
    full = paint.cover > 0.999
    assert full.sum() > 100
    wet = (part + paint.change)[full]
    assert np.median(wet) == pytest.approx(20.0, abs=0.1)
    assert side.space.wall[paint.cover > 0.5].min() <= STEP


def test_fluid_below_the_lung_lies_on_its_base(side, part):
    look = Effusion(120.0, kind="subpulmonic", slope=0.0, collapse_mm=0.0, waves_mm=0.0)
    cover = paint_effusion(part, side, look, STILL).cover
    lung = side.space.lung
    base = np.where(lung.any(axis=0), lung.argmax(axis=0), 999)
    k, j, i = np.nonzero((cover > 0.5) & lung)
    height = (k - base[j, i]) * STEP
    assert np.quantile(height, 0.9) < 40.0
    every = np.nonzero(lung)
    assert height.mean() < 0.3 * ((every[0] - base[every[1], every[2]]) * STEP).mean()


def test_no_fluid_is_drawn_below_a_lung_whose_base_is_not_in_view(chest):
    hu, lungs = chest
    cut = ready_chest(hu[25:], lungs[25:], SPACING).sides[0]
    assert cut.open_below
    kinds = {draw_effusion(np.random.default_rng(n), cut, 100.0).kind for n in range(60)}
    assert kinds == {"free", "loculated", "rim"}


def test_mixed_voxels_become_a_mixture_of_wall_and_fluid(side, part):
    """No seam: what was a lung and b wall is a fluid and b wall, so between the two in HU."""
    look = Effusion(200.0, hu=10.0, waves_mm=0.0, collapse_mm=0.0)
    paint = paint_effusion(part, side, look, STILL)
    border = (paint.cover > 0.2) & ~side.space.lung
    wet = (part + paint.change)[border]
    assert border.sum() > 50
    assert np.quantile(wet, 0.02) > -60.0 and np.quantile(wet, 0.98) < 70.0


def test_vessels_drown_and_the_density_is_the_one_asked_for(side, part):
    look = Consolidation(
        200.0,
        kind="lobar",
        hu=-400.0,
        direction=(0.0, -1.0, 0.0),
        bronchi=0,
        variation_hu=0.0,
        seed=1,
    )
    paint = paint_consolidation(part, side, look, STILL)
    after = part + paint.change
    inside = (paint.cover > 0.9) & (side.space.wall > 8.0)
    assert np.median(after[inside]) == pytest.approx(-400.0, abs=25.0)
    vessel = side.space.lung & (part > -100.0) & (side.space.wall > 8.0)
    assert vessel.any()
    assert np.abs(paint.change[vessel]).max() < 60.0  # a vessel is no air that could give way


def test_bronchi_keep_their_air(side, part):
    plain = Consolidation(300.0, kind="lobar", hu=40.0, bronchi=0, variation_hu=0.0, seed=2)
    with_bronchi = Consolidation(**{**vars(plain), "bronchi": 8})
    one, other = (paint_consolidation(part, side, c, STILL) for c in (plain, with_bronchi))
    airy = other.cover < one.cover - 0.3
    assert airy.sum() > 5
    assert np.mean((part + other.change)[airy]) < np.mean((part + one.change)[airy]) - 200.0


@pytest.mark.parametrize("ml", [1.0, 8.0, 25.0])
def test_a_nodule_is_as_large_and_round_as_asked_for(side, part, ml):
    look = Nodule(ml, hu=30.0, lobules=0.0, room=0.95, seed=4)
    cover = paint_nodule(part, side, look, STILL).cover
    assert cover.sum() * VOXEL_ML == pytest.approx(ml, rel=0.1)
    where = np.argwhere(cover > 0.5) * STEP
    reach = np.linalg.norm(where - where.mean(axis=0), axis=1).max()
    assert reach == pytest.approx(look.radius, abs=1.5 * STEP)


def test_strands_and_core_change_what_is_around_and_within(side, part):
    plain = Nodule(8.0, hu=-500.0, lobules=0.0, seed=4)
    more = Nodule(**{**vars(plain), "strands": 12, "core": 0.6, "core_hu": 40.0})
    one, other = (paint_nodule(part, side, look, STILL) for look in (plain, more))
    around = one.cover == 0
    assert (other.cover[around] > 0.01).sum() > 10
    assert (part + other.change)[one.cover > 0.9].max() > 0.0
    assert (part + one.change)[one.cover > 0.9].max() < -300.0


def test_air_rises_and_the_lung_keeps_its_vessels_and_mass(side, part):
    look = Pneumothorax(200.0, up=(0.2, 1.0, 0.0), pleura_mm=0.0)
    paint = paint_pneumothorax(part, side, look, STILL)
    lung = side.space.lung
    after = part + paint.change
    assert (middle(paint.cover) - middle(lung))[1] * STEP > 20.0  # J grows to Anterior
    assert np.median(after[paint.cover > 0.99]) == pytest.approx(-1000.0, abs=1.0)
    left = lung & (paint.cover < 0.5)
    mass = [(v[m] + 1000.0).sum(dtype=float) for v, m in ((part, lung), (after, left))]
    assert mass[1] == pytest.approx(mass[0], rel=0.15)
    assert (after[left] > -100.0).sum() > 0.3 * (part[lung] > -100.0).sum()


def test_the_visceral_pleura_is_a_line_between_air_and_lung(side, part):
    looks = [Pneumothorax(200.0, pleura_mm=mm) for mm in (0.0, 0.8)]
    bare, lined = (part + paint_pneumothorax(part, side, look, STILL).change for look in looks)
    extra = lined - bare
    assert extra.min() >= 0.0
    assert extra.max() > 80.0
    assert (extra > 40.0).sum() < 0.3 * side.space.lung.sum()


def test_a_thin_tube_covers_its_cross_section():
    """1 mm of radius over 40 mm are 0.126 mL, on voxels of 4 mm as on finer ones."""
    for step in (1.0, 4.0):
        n = int(60 / step)
        tube = Tube((10.0, 30.0, 30.0), (50.0, 30.0, 30.0), 1.0, 1.0)
        cover = draw_tubes((n, n, n), (step,) * 3, [tube])
        assert cover.sum() * step**3 * 1e-3 == pytest.approx(0.126, rel=0.3)


@pytest.mark.parametrize("grain", [0.5, 0.9])
def test_noise_is_measured_as_it_was_made(grain):
    made = Noise(25.0, (0.0, grain, grain))
    hu = 40.0 + made.draw(np.random.default_rng(0), (12, 60, 60))
    measured = measure_noise(hu)
    assert measured.hu == pytest.approx(25.0, rel=0.06)
    assert measured.grain[1:] == pytest.approx((grain, grain), abs=0.06)
    assert measured.grain[0] == pytest.approx(0.0, abs=0.3)


def test_the_noise_of_a_sharp_kernel_leaves_no_specks_of_air(side, part):
    loud = Noise(60.0, (0.0, 0.0, 0.0))
    noisy = part + loud.draw(np.random.default_rng(1), part.shape)
    look = Consolidation(200.0, kind="lobar", hu=40.0, bronchi=0, variation_hu=0.0, seed=1)
    still = paint_consolidation(part, side, look, STILL).cover
    cover = paint_consolidation(noisy, side, look, loud).cover
    solid = (still > 0.95) & (side.space.wall > 4.0)
    assert solid.sum() > 500
    assert (cover[solid] < 0.6).mean() < 0.02  # 0.11 where noise passed for air
