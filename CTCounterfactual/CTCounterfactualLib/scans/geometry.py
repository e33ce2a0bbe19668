"""Whether two grids of voxels are one and the same: the one rule for scans, masks, nodes, files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

# Two grids are the same if no corner is further off than this part of the smallest voxel side:
# above what a file format with float32 geometry (NIfTI) loses, and what making nearly right angles
# right (`oblique`) moves; far below what can be seen.
SAME_GRID = 0.05


def same_grid(size: Sequence[int], first: np.ndarray, second: np.ndarray) -> bool:
    """Tell whether two grids of the same size lie in the same place, but for rounding.

    Parameters
    ----------
    size : sequence of int
        Voxels along (I, J, K).
    first, second : numpy.ndarray
        4x4, voxel indices (I, J, K) to mm, both in RAS or both in LPS.
    """
    return corners_apart(size, first, second) <= tolerance_mm(first)


def tolerance_mm(grid: np.ndarray) -> float:
    """Return how far a voxel may be off its place in a grid (4x4, to mm) by rounding."""
    return SAME_GRID * float(np.linalg.norm(grid[:3, :3], axis=0).min())


def corners_apart(size: Sequence[int], first: np.ndarray, second: np.ndarray) -> float:
    """Return the greatest distance, mm, between a corner voxel's places in two grids."""
    corners = np.array(
        [(*corner, 1.0) for corner in itertools.product(*((0, n - 1) for n in size))]
    )
    apart = corners @ (first - second).T  # (8, 4), mm
    return float(np.linalg.norm(apart, axis=1).max())
