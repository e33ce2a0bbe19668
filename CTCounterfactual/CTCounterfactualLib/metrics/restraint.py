"""Whether a counterfactual leaves alone what wasn't asked about, and whether it can be undone.

specificity  mean |x' - x| over another finding, planted too but not asked about, / the same
             over the explained one: 0 is left alone, 1 is changed as much
reversal     sum |x'' - x| / sum |x' - x|, x'' being x' explained the other way (taken out, then
             put back): 0 is back at the start, 1 as far from it as before
"""

from __future__ import annotations

import numpy as np


def specificity(change: np.ndarray, finding: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Return `specificity`; nothing if one of the findings is empty or the explained one unchanged.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I), HU: x' - x.
    finding, other : numpy.ndarray
        (K, J, I), bool; what both cover counts to the explained one.
    """
    size = np.abs(change)
    rest = other & ~finding
    if not rest.any() or not size[finding].any():
        return {}
    of_other, of_finding = (float(size[mask].mean(dtype=np.float64)) for mask in (rest, finding))
    return {"specificity": of_other / of_finding}


def reversal(scan: np.ndarray, changed: np.ndarray, back: np.ndarray) -> dict[str, float]:
    """Return `reversal` of x, x' and x'' (K, J, I), HU; nothing if x' is x."""
    start = scan.astype(np.float32)
    moved = float(np.abs(changed - start).sum(dtype=np.float64))
    if not moved:
        return {}
    return {"reversal": float(np.abs(back - start).sum(dtype=np.float64)) / moved}
