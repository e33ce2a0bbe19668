"""Whether a counterfactual changes few places or the whole body a little.

changed_share  share of the body's voxels with |x' - x| > `VISIBLE_CHANGE_HU`
changed_ml     volume of the voxels with such a change, wherever they lie
gini           Gini index of |x' - x| over the body's voxels: 0 if all change alike, towards 1
               the fewer do (Hurley and Rickard, "Comparing measures of sparsity", IEEE
               Transactions on Information Theory 2009)
"""

from __future__ import annotations

import numpy as np

from .recovery import VISIBLE_CHANGE_HU

MM3_PER_ML = 1000.0


def sparsity(
    change: np.ndarray, body: np.ndarray, spacing: tuple[float, float, float]
) -> dict[str, float]:
    """Return `changed_share`, `changed_ml` and `gini`; those not defined are absent.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I), HU: x' - x.
    body : numpy.ndarray
        (K, J, I), bool.
    spacing : tuple of float
        (I, J, K) mm.
    """
    size = np.abs(change)
    visible = size > VISIBLE_CHANGE_HU
    found = {"changed_ml": float(visible.sum()) * float(np.prod(spacing)) / MM3_PER_ML}
    if body.any():
        found["changed_share"] = float(visible[body].mean())
        if size[body].any():
            found["gini"] = gini(size[body])
    return found


def gini(sizes: np.ndarray) -> float:
    """Return the Gini index of sizes (N,), 0 or above and not all 0."""
    ordered = np.sort(sizes, axis=None).astype(np.float64)
    n = ordered.size
    rank_weight = (n - np.arange(1, n + 1) + 0.5) / n
    return float(1 - 2 * (ordered * rank_weight).sum() / ordered.sum())
