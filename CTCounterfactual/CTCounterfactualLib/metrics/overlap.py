"""Whether the strongest places of a map are the finding: Dice at the finding's own size.

    dice  2 |A and F| / (|A| + |F|), F the finding and A the strongest voxels of the smoothed map,
          as many as F has (fewer if fewer aren't 0)

A map has no border of its own, so it is cut where it is as large as what it should show; then Dice
is at once its precision and its recall. By chance, that many voxels drawn from the body, it is the
finding's share of the body.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .pointing import SMOOTHING_SIGMA_MM


def overlap(
    evidence: np.ndarray,
    finding: np.ndarray,
    body: np.ndarray,
    spacing: tuple[float, float, float],
) -> dict[str, float]:
    """Return `dice` and `dice_chance`; nothing if the map is 0 everywhere or there is no finding.

    Parameters
    ----------
    evidence : numpy.ndarray
        (K, J, I), any unit; signs don't count.
    finding, body : numpy.ndarray
        (K, J, I), bool.
    spacing : tuple of float
        (I, J, K) mm.
    """
    if not finding.any() or not evidence.any():
        return {}
    strongest = strongest_voxels(evidence, int(finding.sum()), spacing)
    share = float((finding & body).sum()) / max(int(body.sum()), 1)
    return {"dice": dice(strongest, finding), "dice_chance": share}


def strongest_voxels(
    evidence: np.ndarray, count: int, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Return the `count` voxels where the smoothed size of a map is greatest: (K, J, I), bool.

    Fewer where fewer have any; among equals those of lower index.
    """
    sigma = [SMOOTHING_SIGMA_MM / step for step in spacing[::-1]]  # (I, J, K) -> (K, J, I)
    size = ndimage.gaussian_filter(np.abs(evidence).astype(np.float32), sigma, mode="constant")
    flat = size.ravel()
    chosen = np.zeros(flat.size, bool)
    positive = int((flat > 0).sum())
    count = min(count, positive)
    if count:
        edge = np.partition(flat, flat.size - count)[flat.size - count]
        chosen = flat > edge
        equals = np.flatnonzero(flat == edge)
        chosen[equals[: count - int(chosen.sum())]] = True
    return chosen.reshape(size.shape)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Dice coefficient of two masks; 1 if both are empty."""
    total = int(one.sum()) + int(other.sum())
    return 2.0 * int((one & other).sum()) / total if total else 1.0
