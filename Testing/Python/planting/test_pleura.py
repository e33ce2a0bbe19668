"""Pleural spaces: which lung is which, how much it holds, and where "down" is."""

import numpy as np
import pytest

from CTCounterfactualLib.planting.pleura import find_spaces

SPACING = (1.5, 1.5, 3.0)


def test_two_lungs_are_two_spaces_of_known_volume(lungs):
    spaces = find_spaces(lungs, SPACING)
    assert [space.ml for space in spaces] == pytest.approx([216.0, 216.0])
    boxed = np.zeros_like(lungs)
    for space in spaces:
        boxed[space.box] |= space.lung
    assert np.array_equal(boxed, lungs)


def test_depth_grows_to_the_back_and_to_the_base(lungs):
    space = find_spaces(lungs, SPACING)[0]
    back = space.depth((0.0, -1.0, 0.0), 0.0)
    assert np.allclose(np.diff(back, axis=1), -1.5)  # J grows to Anterior
    assert np.all(np.diff(back, axis=0) == 0)
    sloped = space.depth((-0.2, -1.0, 0.0), 0.0)
    assert np.allclose(np.diff(sloped, axis=0), -0.2 * 3.0, atol=1e-5)


def test_meniscus_adds_most_at_the_pleura(lungs):
    space = find_spaces(lungs, SPACING)[0]
    climb = space.depth((0.0, 0.0, 0.0), 26.0)
    edge = climb[space.lung & (space.wall <= 1.5)]
    assert np.allclose(edge, 26.0 * (1 - 1.5 / 26.0), atol=1e-4)
    assert climb[space.lung].min() == pytest.approx(0.0)  # 28.5 mm deep in the lung's middle
    assert np.all(climb[~space.lung] == 26.0)


def test_lungs_that_touch_are_split_where_there_is_least(lungs):
    wide = np.zeros((28, 80, 200), bool)
    wide[4:24, 20:60, 10:95] = True
    wide[4:24, 20:60, 100:190] = True
    wide[10:12, 55:58, 95:100] = True  # the anterior junction; 180 voxels = 270 mm in all
    first, second = find_spaces(wide, SPACING)
    assert first.box[2].stop < 110
    assert second.box[2].start > 80
    whole = wide.sum() * 6.75e-3
    assert first.ml + second.ml == pytest.approx(whole)


def test_a_speck_is_no_lung(lungs):
    lungs[0:2, 0:3, 0:3] = True
    assert len(find_spaces(lungs, SPACING)) == 2
    assert find_spaces(np.zeros_like(lungs), SPACING) == ()
