"""Axes of one grid turned into those of another that holds the same voxels in another order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...scans.geometry import same_grid


@dataclass(frozen=True)
class Turn:
    """Which axis goes where, and which are run through backwards.

    Parameters
    ----------
    axes : tuple of int
        For each axis (I, J, K) of the new array the axis of the old one that it comes from.
    backwards : tuple of bool
        For each new axis whether it runs the other way.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    backwards: tuple[bool, bool, bool] = (False, False, False)

    def apply(self, volume: np.ndarray) -> np.ndarray:
        """Return a volume (K, J, I) in the new order of its voxels: a view, (K', J', I')."""
        numpy_axes = [2 - axis for axis in reversed(self.axes)]  # arrays have K first
        steps = tuple(slice(None, None, -1 if back else 1) for back in reversed(self.backwards))
        return volume.transpose(numpy_axes)[steps]


def find_turn(
    size: Sequence[int], grid: np.ndarray, new_size: Sequence[int], new_grid: np.ndarray
) -> Turn | None:
    """Return the turn from one grid to another on which the same voxels lie; None if there is none.

    Parameters
    ----------
    size, new_size : sequence of int
        Voxels along (I, J, K).
    grid, new_grid : numpy.ndarray
        4x4, voxel indices (I, J, K) to mm, both in RAS or both in LPS.
    """
    for axes in itertools.permutations(range(3)):
        if [size[axis] for axis in axes] != list(new_size):
            continue
        for first, second, third in itertools.product((False, True), repeat=3):
            backwards = (first, second, third)
            old_index = np.zeros((4, 4))  # new index -> old index
            old_index[3, 3] = 1
            for new, (old, back) in enumerate(zip(axes, backwards, strict=True)):
                old_index[old, new] = -1 if back else 1
                old_index[old, 3] = size[old] - 1 if back else 0
            if same_grid(new_size, new_grid, grid @ old_index):
                return Turn((axes[0], axes[1], axes[2]), backwards)
    return None
