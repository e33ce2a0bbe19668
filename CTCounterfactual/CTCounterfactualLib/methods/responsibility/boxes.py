"""Boxes of voxels, and the random cut of one into four (algorithm 2 of 3D ReX).

Navaratnarajah M, Martin SA, Kelly DA, Blake N, Chockler H. *3D ReX: Causal Explanations in 3D
Neuroimaging Classification.* 2025.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Protocol

import numpy as np

# Of four parts: all that keep at least one and leave out at least one, few parts first. 4 + 6 + 4.
COMBINATIONS: tuple[tuple[int, ...], ...] = tuple(
    kept for count in (1, 2, 3) for kept in combinations(range(4), count)
)
# An axis is cut between two of its voxels.
LEAST_CUT = 2
CUT_AXES = 2


class RandomNumbers(Protocol):
    """What a cut draws from: `numpy.random.Generator`, or numbers written down in a test."""

    def permutation(self, values: list[int]) -> np.ndarray:
        """Return the values in random order."""

    def integers(self, low: int, high: int) -> int:
        """Return a random whole number of [low, high)."""


@dataclass(frozen=True)
class Box:
    """Voxels from `low` up to `high`, which isn't part of it; both are indices (K, J, I)."""

    low: tuple[int, int, int]
    high: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along (K, J, I)."""
        return tuple(stop - start for start, stop in zip(self.low, self.high, strict=True))

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return prod(self.shape)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """What picks the box out of an array (K, J, I)."""
        k, j, i = (slice(*ends) for ends in zip(self.low, self.high, strict=True))
        return k, j, i

    def cut(self, axis: int, at: int) -> tuple[Box, Box]:
        """Return the parts below and from index `at` on along an axis (0 is K)."""
        high, low = list(self.high), list(self.low)
        high[axis] = low[axis] = at
        return Box(self.low, (high[0], high[1], high[2])), Box((low[0], low[1], low[2]), self.high)


def box_around(mask: np.ndarray) -> Box | None:
    """Return the smallest box that holds all True voxels of a mask (K, J, I); None without any."""
    ends = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        found = np.flatnonzero(mask.any(axis=others))
        if not len(found):
            return None
        ends.append((int(found[0]), int(found[-1]) + 1))
    (k0, k1), (j0, j1), (i0, i1) = ends
    return Box((k0, j0, i0), (k1, j1, i1))


def cut_in_four(box: Box, rng: RandomNumbers, least_voxels: int = 1) -> tuple[Box, ...]:
    """Cut a box once along each of two random axes: four boxes, or none where that can't be.

    An axis of one voxel can't be cut, so it isn't drawn; each place between two voxels of an axis
    is as likely. (The paper draws an axis first and leaves open what follows where it is too
    short.)

    Parameters
    ----------
    rng : RandomNumbers
        Gives the order of the axes that can be cut, of which the first two are, then the place of
        each cut.
    least_voxels : int
        Boxes smaller than this are left whole.
    """
    axes = [axis for axis, length in enumerate(box.shape) if length >= LEAST_CUT]
    if len(axes) < CUT_AXES or box.voxels < least_voxels:
        return ()
    first, second = (int(axis) for axis in rng.permutation(axes)[:CUT_AXES])
    at = [int(rng.integers(box.low[axis] + 1, box.high[axis])) for axis in (first, second)]
    return tuple(part for half in box.cut(first, at[0]) for part in half.cut(second, at[1]))
