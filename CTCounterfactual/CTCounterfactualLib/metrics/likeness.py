"""How alike two maps of one scan are.

correlation  Spearman's rank correlation of both maps' sizes over blocks of the body (of maps of
             evidence: Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, there
             over pixels); 0 if one of them is the same everywhere
dice         of both maps' strongest places, equally large: as many voxels as hold half of the
             first map's sum; `dice_chance` is that of so many voxels drawn from the body
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from .blocks import blocks_of
from .overlap import dice, strongest_voxels

# Of the sum of a map's sizes: what its strongest places hold.
HELD_SHARE = 0.5


def likeness(
    one: np.ndarray, other: np.ndarray, body: np.ndarray, spacing: tuple[float, float, float]
) -> dict[str, float]:
    """Return `correlation`, `dice` and `dice_chance` of two maps; signs don't count.

    Parameters
    ----------
    one, other : numpy.ndarray
        (K, J, I), any units.
    body : numpy.ndarray
        (K, J, I), bool.
    spacing : tuple of float
        (I, J, K) mm.
    """
    place = strong_place(one, body, spacing)
    count = int(place.sum())
    there = strongest_voxels(np.where(body, other, 0), count, spacing)
    return {
        "correlation": rank_correlation(one, other, body, spacing),
        "dice": dice(place, there) if count else 0.0,
        "dice_chance": count / max(int(body.sum()), 1),
    }


def rank_correlation(
    one: np.ndarray, other: np.ndarray, body: np.ndarray, spacing: tuple[float, float, float]
) -> float:
    """Return Spearman's correlation of two maps' sizes over blocks of the body; see the module."""
    blocks = blocks_of(body, spacing)
    means = [blocks.means(np.abs(values)) for values in (one, other)]
    if any(np.ptp(each) == 0 for each in means):
        return 0.0
    return float(stats.spearmanr(*means).statistic)


def strong_place(
    values: np.ndarray, body: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Return the strongest voxels of a map in the body: (K, J, I), bool.

    As many as hold `HELD_SHARE` of its sum there, chosen after smoothing as a reader would.
    """
    inside = np.where(body, np.abs(values), 0)
    sizes = np.sort(inside[inside > 0])[::-1].astype(np.float64)
    if not sizes.size:
        return np.zeros(body.shape, bool)
    held = np.cumsum(sizes)
    count = int(np.searchsorted(held, HELD_SHARE * held[-1])) + 1
    return strongest_voxels(inside, count, spacing)
