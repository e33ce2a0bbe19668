"""Distances in mm around and inside masks."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.neighbourhood import box_around, deeper_than, within

SPACING = (1.0, 2.0, 3.0)  # I, J, K


def dot(shape=(9, 9, 9), at=(4, 4, 4)):
    mask = np.zeros(shape, bool)
    mask[at] = True
    return mask


@pytest.mark.parametrize(("mm", "count"), [(0, 1), (1, 3), (2, 7), (2.3, 11), (3, 19)])
def test_voxels_within_so_many_mm_are_counted_by_hand(mm, count):
    # 1 mm: 2 along I; 2 mm: 2 more along I, 2 along J; sqrt(5) mm: the 4 diagonals; 3 mm: 2 more
    # along I, 2 along K, and the 4 that are 2 mm off along both I and J.
    assert within(dot(), SPACING, mm).sum() == count


def test_a_mask_at_the_corner_is_cut_by_the_image_only():
    near = within(dot(at=(0, 0, 8)), SPACING, 3.0)
    assert near[0, 0, 5] and near[1, 0, 8] and near[0, 1, 8]
    assert not near[0, 0, 4]


def test_deep_is_measured_in_mm_and_not_from_the_images_edge():
    mask = np.zeros((9, 9, 9), bool)
    mask[:, 2:7] = True  # five rows of 2 mm, up to every other edge
    deep = deeper_than(mask, SPACING, 3.0)
    assert deep.any(axis=(0, 2)).tolist() == [False] * 3 + [True] * 3 + [False] * 3
    assert deep[:, 3:6].all()


def test_nothing_is_near_nothing():
    empty = np.zeros((3, 3, 3), bool)
    assert box_around(empty) is None
    assert not within(empty, SPACING, 9).any() and not deeper_than(empty, SPACING, 0).any()


def test_the_box_holds_mask_and_margin_within_the_image():
    assert box_around(dot(at=(0, 4, 8)), (2, 1, 1)) == (slice(0, 3), slice(3, 6), slice(7, 9))
