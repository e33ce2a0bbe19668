"""Whether a map points at the finding: answers known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.pointing import pointing

SPACING = (1.0, 1.0, 2.0)
SHAPE = (20, 40, 40)
BODY = np.zeros(SHAPE, bool)
BODY[:, 5:35, 5:35] = True
FINDING = np.zeros(SHAPE, bool)
FINDING[8:12, 10:20, 10:20] = True


def blob(at, value=100.0):
    volume = np.zeros(SHAPE, np.float32)
    k, j, i = at
    volume[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2] = value
    return volume


def test_the_finding_itself_is_the_best_map():
    found = pointing(-700.0 * FINDING, FINDING, BODY, SPACING)
    assert found["hit"] == found["hit_6mm"] == found["mass_in_mask"] == 1.0
    assert found["hit_chance"] == pytest.approx(400 / (20 * 30 * 30))
    assert found["mass_in_mask_chance"] == found["hit_chance"] < found["hit_6mm_chance"]


@pytest.mark.parametrize(
    ("at", "hit", "near"),
    [((10, 15, 15), 1, 1), ((10, 15, 24), 0, 1), ((13, 15, 15), 0, 1), ((10, 15, 28), 0, 0)],
)
def test_the_place_of_the_greatest_decides(at, hit, near):
    # (10, 15, 24) is 5 mm off along I, (13, 15, 15) 4 mm off along K, (10, 15, 28) 9 mm off.
    found = pointing(blob(at) + 0.5 * blob((4, 30, 30)), FINDING, BODY, SPACING)
    assert (found["hit"], found["hit_6mm"]) == (hit, near)


def test_a_single_bright_voxel_is_outvoted_by_a_broad_change():
    noisy = blob((10, 15, 15), 200.0)
    noisy[3, 30, 30] = 400.0
    assert pointing(noisy, FINDING, BODY, SPACING)["hit"] == 1.0


def test_mass_is_shared_by_size_and_counts_outside_the_body_too():
    values = blob((10, 15, 15), 60.0) - blob((3, 2, 2), 20.0)
    assert pointing(values, FINDING, BODY, SPACING)["mass_in_mask"] == pytest.approx(0.75)


def test_an_empty_map_points_nowhere():
    assert pointing(np.zeros(SHAPE), FINDING, BODY, SPACING) == {}
    assert pointing(blob((10, 15, 15)), np.zeros(SHAPE, bool), BODY, SPACING) == {}
