"""A body cut into blocks: what is compared or replaced there instead of single, noisy voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Coarse enough that few scores tell places apart, fine enough for a nodule.
BLOCK_MM = 9.0


@dataclass(frozen=True)
class Blocks:
    """Blocks of voxels that hold part of a body.

    Parameters
    ----------
    number : numpy.ndarray
        (K, J, I), int: the block of each voxel of the body; 0 elsewhere.
    body : numpy.ndarray
        (K, J, I), bool.
    count : int
        How many there are.
    """

    number: np.ndarray
    body: np.ndarray
    count: int

    @property
    def sizes(self) -> np.ndarray:
        """Voxels of the body in each block: (count,)."""
        return np.bincount(self.number[self.body], minlength=self.count)

    def means(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of values (K, J, I) over the body's voxels of each block: (count,)."""
        weights = values[self.body].astype(np.float64)
        sums = np.bincount(self.number[self.body], weights, minlength=self.count)
        return sums / np.maximum(self.sizes, 1)


def blocks_of(
    body: np.ndarray, spacing: tuple[float, float, float], mm: float = BLOCK_MM
) -> Blocks:
    """Cut a body (K, J, I), bool, into blocks of about `mm` along each axis; spacing (I, J, K)."""
    widths = [max(1, round(mm / step)) for step in spacing[::-1]]
    k, j, i = (np.arange(n) // width for n, width in zip(body.shape, widths, strict=True))
    number = (k[:, None, None] * (j[-1] + 1) + j[None, :, None]) * (i[-1] + 1) + i[None, None, :]
    used, where = np.unique(number[body], return_inverse=True)
    blocks = np.zeros(body.shape, np.int64)
    blocks[body] = where
    return Blocks(blocks, body, len(used))
