"""Two grids are one and the same up to rounding, wherever a corner of theirs strays."""

import numpy as np
import pytest

from CTCounterfactualLib.scans.geometry import (
    SAME_GRID,
    corners_apart,
    same_grid,
    tolerance_mm,
)

SIZE = (101, 51, 11)
GRID = np.array(
    [
        [-0.7, 0.0, 0.0, 100.0],
        [0.0, -0.7, 0.0, 90.0],
        [0.0, 0.0, 2.5, -300.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def moved(row: int, column: int, by: float) -> np.ndarray:
    grid = GRID.copy()
    grid[row, column] += by
    return grid


def test_the_smallest_voxel_side_is_the_measure():
    assert tolerance_mm(GRID) == pytest.approx(SAME_GRID * 0.7)


def test_an_origin_moves_all_corners():
    assert corners_apart(SIZE, GRID, moved(2, 3, 5.0)) == pytest.approx(5.0)


def test_a_spacing_adds_up_along_the_axis():
    assert corners_apart(SIZE, GRID, moved(0, 0, 0.001)) == pytest.approx(0.1)
    assert not same_grid(SIZE, GRID, moved(0, 0, 0.001))
    assert same_grid((2, 51, 11), GRID, moved(0, 0, 0.001))


def test_float32_is_rounding_and_a_flip_is_not():
    assert same_grid(SIZE, GRID, GRID.astype(np.float32).astype(float))
    turned = GRID @ np.diag([1.0, 1.0, -1.0, 1.0])
    assert not same_grid(SIZE, GRID, turned)


def test_what_is_no_number_is_no_place():
    assert not same_grid(SIZE, GRID, moved(0, 3, np.nan))
