"""Boxes and their random cuts in four: algorithm 2 of 3D ReX."""

import numpy as np
import pytest
from toys import Written

from CTCounterfactualLib.methods.responsibility.boxes import (
    COMBINATIONS,
    Box,
    box_around,
    cut_in_four,
)


def test_the_fourteen_combinations_are_all_but_nothing_and_everything():
    assert len(COMBINATIONS) == 14 == len(set(COMBINATIONS))
    assert [sum(len(c) == n for c in COMBINATIONS) for n in range(5)] == [0, 4, 6, 4, 0]


def test_a_cut_worked_out_by_hand():
    # Axes in the order (K, I, J): K is cut at 1, then each half along I at 2; J stays whole.
    parts = cut_in_four(Box((0, 0, 0), (3, 4, 5)), Written([0, 2, 1], 1, 2))
    assert parts == (
        Box((0, 0, 0), (1, 4, 2)),
        Box((0, 0, 2), (1, 4, 5)),
        Box((1, 0, 0), (3, 4, 2)),
        Box((1, 0, 2), (3, 4, 5)),
    )


def test_a_cut_of_a_box_that_does_not_begin_at_0():
    parts = cut_in_four(Box((2, 3, 4), (4, 6, 8)), Written([1, 0, 2], 5, 3))
    assert [part.voxels for part in parts] == [1 * 2 * 4, 1 * 2 * 4, 1 * 1 * 4, 1 * 1 * 4]
    assert parts[0] == Box((2, 3, 4), (3, 5, 8))


def test_cuts_tile_the_box_whatever_is_drawn():
    box = Box((1, 0, 2), (6, 3, 9))
    axes = set()
    for seed in range(60):
        parts = cut_in_four(box, np.random.default_rng(seed))
        covered = np.zeros((7, 5, 10), int)
        for part in parts:
            assert part.voxels > 0
            covered[part.slices] += 1
        inside = np.zeros_like(covered)
        inside[box.slices] = 1
        assert np.array_equal(covered, inside)
        axes.add(
            tuple(len({p.shape[axis] for p in parts} | {box.shape[axis]}) > 1 for axis in range(3))
        )
    assert len(axes) == 3  # each pair of axes is drawn


def test_every_place_of_a_cut_is_drawn():
    box = Box((0, 0, 0), (1, 4, 4))
    heights = {cut_in_four(box, np.random.default_rng(seed))[0].shape for seed in range(100)}
    assert heights == {(1, j, i) for j in (1, 2, 3) for i in (1, 2, 3)}


@pytest.mark.parametrize("high", [(1, 1, 9), (1, 1, 1)])
def test_a_box_with_fewer_than_two_axes_to_cut_stays_whole(high):
    assert cut_in_four(Box((0, 0, 0), high), Written()) == ()


def test_a_small_box_stays_whole():
    box = Box((0, 0, 0), (2, 2, 2))
    assert cut_in_four(box, Written(), least_voxels=9) == ()
    assert len(cut_in_four(box, Written([0, 1, 2], 1, 1), least_voxels=8)) == 4


def test_the_box_around_a_mask():
    mask = np.zeros((4, 5, 6), bool)
    assert box_around(mask) is None
    mask[1, 2, 3] = mask[2, 2, 5] = True
    assert box_around(mask) == Box((1, 2, 3), (3, 3, 6))
