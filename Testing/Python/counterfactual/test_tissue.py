"""The lung and soft tissue around each voxel, and that nothing is taken out into other things."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.counterfactual.composite import compose
from CTCounterfactualLib.counterfactual.tissue import Bounds, find_bounds
from CTCounterfactualLib.scans.hounsfield import IntensityWindow

WINDOW = IntensityWindow()
SPACING = (1.5, 1.5, 3.0)
FLUID = (slice(4, 16), slice(24, 40), slice(20, 60))  # K, J, I


def lung_level(x, spacing=SPACING, window=WINDOW, weight=None):
    return find_bounds(x, spacing, window, weight).darkest


def unit(hu: float) -> float:
    return (hu + 1000) / 2000


def chest(left: float, right: float, window: IntensityWindow = WINDOW) -> torch.Tensor:
    """Lung of two densities side by side, 120 mm each, with fluid across both; an airway; wall."""
    hu = torch.full((20, 1, 64, 160), left)
    hu[..., 80:] = right
    hu[:, :, :4] = 40.0
    hu[:, :, 50:56, 30:36] = -1000.0
    hu[FLUID[0], :, FLUID[1], FLUID[2]] = 10.0
    return window.to_unit(hu)


@pytest.mark.parametrize("window", [WINDOW, IntensityWindow(-1200.0, 300.0)])
def test_fluid_gets_the_level_of_the_lung_beside_it(window):
    level = window.to_hu(lung_level(chest(-850, -700, window), SPACING, window)[:, 0])
    assert level.shape == (20, 64, 160)
    assert float(level[10, 30, 20]) == pytest.approx(-850, abs=3)
    assert float(level[10, 30, 155]) == pytest.approx(-700, abs=3)
    middle = float(level[10, 55, 80])
    assert middle == pytest.approx(-775, abs=15)


def test_airways_arent_lung():
    with_airway, without = chest(-800, -800), chest(-800, -800)
    without[:, :, 50:56, 30:36] = unit(-800)
    for x in (with_airway, without):
        level = WINDOW.to_hu(lung_level(x, SPACING, WINDOW))
        assert float(level.min()) > -801 and float(level.max()) < -799


def test_lung_comes_back_with_its_vessels_but_gas_becomes_lung_without():
    """Of six rows one is a vessel, two are mixed with it: the mean is (2 x -700 + 3 x -850) / 5."""
    x = chest_with_free_air()
    for row in range(10, 48, 6):
        x[:, :, row - 1 : row + 2, 2:78] = unit(-700.0)
        x[:, :, row, 2:78] = unit(-300.0)
    found = find_bounds(x, SPACING, WINDOW)
    assert float(WINDOW.to_hu(found.darkest)[6, 0, 28, 40]) == pytest.approx(-790, abs=6)
    assert float(WINDOW.to_hu(found.brightest)[6, 0, 55, 40]) == pytest.approx(-850, abs=3)


def test_far_from_any_lung_the_mean_of_all_counts():
    x = torch.full((10, 1, 40, 300), unit(40.0))
    x[:, :, 5:35, :40] = unit(-820.0)
    level = WINDOW.to_hu(lung_level(x, SPACING, WINDOW))
    assert float(level[5, 0, 20, 295]) == pytest.approx(-820, abs=1)


def test_what_isnt_patient_isnt_lung():
    x = chest(-850, -700)
    weight = torch.ones_like(x)
    weight[..., 80:] = 0
    level = WINDOW.to_hu(lung_level(x, SPACING, WINDOW, weight))
    assert float(level.max()) < -845


@pytest.mark.parametrize(
    ("hu", "dark", "bright"),
    [
        (40.0, False, True),
        (-1000.0, False, False),
        (-800.0, True, False),
        (900.0, False, False),
    ],
)
def test_there_is_a_level_only_of_what_the_scan_shows(hu, dark, bright):
    found = find_bounds(torch.full((5, 1, 20, 20), unit(hu)), SPACING, WINDOW)
    assert (found.darkest is not None, found.brightest is not None) == (dark, bright)


def test_a_region_without_lung_takes_the_lung_of_the_scan():
    x = chest(-850, -850)
    weight = torch.zeros_like(x)
    weight[FLUID[0], :, FLUID[1], FLUID[2]] = 1
    level = WINDOW.to_hu(lung_level(x, SPACING, WINDOW, weight))
    assert float(level[10, 0, 30, 40]) == pytest.approx(-850, abs=3)


def test_soft_tissue_is_neither_fat_nor_bone_nor_what_is_mixed_with_them():
    x = torch.full((16, 1, 64, 64), unit(60.0))
    x[:, :, :16] = unit(-110.0)
    x[:, :, 30:40, 30:40] = unit(600.0)
    x[:, :, 29] = unit(20.0)  # next to bone, where it is
    brightest = WINDOW.to_hu(find_bounds(x, SPACING, WINDOW).brightest)
    assert float(brightest[8, 0, 35, 35]) == pytest.approx(59, abs=2)


def test_fluid_doesnt_become_bone_but_bone_stays():
    base = torch.tensor([10.0, 10.0, 700.0, 700.0, -800.0]).reshape(1, 1, 1, -1)
    moved = torch.tensor([600.0, 40.0, 900.0, 300.0, 500.0]).reshape(1, 1, 1, -1)
    bounds = Bounds(brightest=torch.full((1, 1, 1, 5), unit(55.0)))
    held = WINDOW.to_hu(bounds.hold(unit(moved), unit(base))).flatten()
    expected = torch.tensor([55.0, 40.0, 700.0, 300.0, 55.0])
    torch.testing.assert_close(held, expected, rtol=0, atol=0.01)


def test_the_picture_doesnt_fall_below_the_level_but_what_is_darker_stays():
    """A change of the picture from 10 to -800 at most, of which 10 are noise; x is as it is."""
    hu = torch.tensor([10.0, 10.0, -900.0, -900.0, -600.0, 10.0])
    moved = torch.tensor([-950.0, -500.0, -950.0, -700.0, -990.0, 200.0])
    x, base, to = (unit(v).reshape(1, 1, 1, -1) for v in (hu, hu, moved))
    level = torch.full_like(x, unit(-800.0))
    found = WINDOW.to_hu(compose("local", x, base, to, 2000.0, Bounds(level))).flatten()
    free = WINDOW.to_hu(compose("bounded", x, base, to, 2000.0)).flatten()
    expected = torch.tensor([-790.0, -490.0, -900.0, -710.0, -790.0, 190.0])
    torch.testing.assert_close(found, expected, rtol=0, atol=0.01)
    assert float(free[0]) < -900 and float(free[4]) < -900
    without = compose("local", x, base, to, 2000.0, None)
    assert torch.equal(without, compose("bounded", x, base, to, 2000.0))
    assert torch.equal(compose("local", x, base, base, 2000.0, Bounds(level)), x)


def test_the_scan_keeps_its_noise_at_the_level():
    rng = torch.Generator().manual_seed(5)
    base = torch.full((1, 1, 40, 40), unit(10.0))
    x = base + 0.005 * torch.randn(base.shape, generator=rng)
    level = torch.full_like(x, unit(-800.0))
    found = compose("local", x, base, torch.zeros_like(x), 2000.0, Bounds(level))
    assert float(found.std()) > 0.8 * float(x.std())
    assert WINDOW.to_hu(float(found.mean())) == pytest.approx(-790, abs=3)


def chest_with_free_air() -> torch.Tensor:
    """Lung of -850 with free air across its front, a line of pleura behind it, and a wall."""
    hu = torch.full((12, 1, 80, 80), -850.0)
    hu[:, :, :6] = hu[:, :, 74:] = 40.0
    hu[:, :, 50:74, 10:70] = -1000.0
    hu[:, :, 49, 10:70] = -300.0
    return WINDOW.to_unit(hu)


def test_free_gas_and_its_pleura_become_no_denser_than_lung():
    found = find_bounds(chest_with_free_air(), SPACING, WINDOW)
    brightest = WINDOW.to_hu(found.brightest)[6, 0]
    assert float(brightest[60, 40]) == pytest.approx(-850, abs=3)  # its middle
    assert float(brightest[50, 40]) == pytest.approx(-850, abs=3)  # its border
    assert float(brightest[49, 40]) == pytest.approx(-850, abs=3)  # the pleura
    assert float(brightest[20, 40]) == pytest.approx(40, abs=3)  # lung may still give way


def test_gas_becomes_lung_in_the_composite_and_pleura_doesnt_grow():
    x = chest_with_free_air()
    bounds = find_bounds(x, SPACING, WINDOW)
    moved = torch.full_like(x, unit(0.0))
    changed = WINDOW.to_hu(compose("local", x, x, moved, 2000.0, bounds))[6, 0]
    assert float(changed[60, 40]) == pytest.approx(-860, abs=4)
    assert float(changed[49, 40]) == pytest.approx(-300, abs=1)
    free = WINDOW.to_hu(compose("bounded", x, x, moved, 2000.0))[6, 0]
    assert float(free[60, 40]) > -100


@pytest.mark.parametrize("level", [-850.0, -920.0])
def test_noise_makes_no_gas_of_lung(level):
    rng = torch.Generator().manual_seed(8)
    hu = torch.full((12, 1, 64, 64), level) + 40 * torch.randn(12, 1, 64, 64, generator=rng)
    hu[:, :, :8] = 40.0
    x = WINDOW.to_unit(hu.clamp(-1000))
    brightest = WINDOW.to_hu(find_bounds(x, SPACING, WINDOW).brightest)
    assert float((brightest < 0).float().mean()) == 0


def test_gas_in_the_air_around_a_patient_bounds_nothing_near_the_skin_but_the_skin():
    hu = torch.full((12, 1, 64, 64), -1000.0)
    hu[:, :, 8:56, 8:56] = 40.0
    hu[:, :, 20:44, 20:44] = -850.0
    brightest = WINDOW.to_hu(find_bounds(WINDOW.to_unit(hu), SPACING, WINDOW).brightest)[6, 0]
    assert float(brightest[32, 13]) == pytest.approx(40, abs=3)


def test_a_thin_sheet_is_gas_if_it_hangs_together_with_more():
    x = chest_with_free_air()
    x[:, :, 20:50, 12:14] = unit(-975.0)  # a sheet of two voxels that joins the air
    x[:, :, 10:40, 40:42] = unit(-975.0)  # and one that doesn't, as of an emphysema
    brightest = WINDOW.to_hu(find_bounds(x, SPACING, WINDOW).brightest)[6, 0]
    assert float(brightest[25, 12]) == pytest.approx(-850, abs=3)
    assert float(brightest[25, 40]) == pytest.approx(40, abs=3)
