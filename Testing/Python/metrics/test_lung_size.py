"""Changes deep in the lung, and the lung's change in volume: answers known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.lung_size import deep_haze_share, deep_share, lung_change_ml

SPACING = (3.0, 3.0, 3.0)
LUNGS = np.zeros((20, 20, 20), bool)
LUNGS[4:16, 4:16, 4:16] = True  # deeper than 9 mm: the fourth voxel from the border on


def test_a_change_of_the_border_is_not_deep():
    change = np.zeros(LUNGS.shape)
    change[4:16, 4:16, 4:7] = 400
    assert deep_share(change, LUNGS, SPACING) == {"deep_share": 0.0}


def test_energy_is_the_square_of_the_change():
    change = np.zeros(LUNGS.shape, np.int16)
    change[10, 10, 10], change[10, 10, 7], change[10, 10, 4] = -100, 200, 300
    share = deep_share(change, LUNGS, SPACING)["deep_share"]
    assert share == pytest.approx((100**2 + 200**2) / (100**2 + 200**2 + 300**2))


def test_no_change_has_no_share():
    assert deep_share(np.zeros(LUNGS.shape), LUNGS, SPACING) == {}


def test_a_vessel_that_moves_is_no_haze_but_what_lies_apart_from_it_is():
    """A vessel moves by a voxel deep inside, so two change; then one that lies apart from it."""
    scan = np.where(LUNGS, -850.0, 0.0)
    clean = scan.copy()
    scan[8, 8, 8] = clean[8, 8, 9] = 0.0
    change = clean - scan
    assert deep_share(change, LUNGS, SPACING) == {"deep_share": 1.0}
    assert deep_haze_share(change, LUNGS, scan, clean, SPACING) == {"deep_haze_share": 0.0}
    change[11, 11, 11], change[9, 8, 8], change[8, 8, 4] = 300, 300, 300
    share = deep_haze_share(change, LUNGS, scan, clean, SPACING)["deep_haze_share"]
    assert share == pytest.approx(300**2 / (2 * 850**2 + 3 * 300**2))
    assert deep_haze_share(0 * change, LUNGS, scan, clean, SPACING) == {}


def test_a_smaller_lung_has_a_negative_change():
    smaller = LUNGS.copy()
    smaller[4:6] = False  # two slices of 12 x 12 voxels of 27 mm^3
    assert lung_change_ml(LUNGS, smaller, SPACING) == pytest.approx(-2 * 144 * 0.027)
    assert lung_change_ml(smaller, LUNGS, SPACING) > 0
