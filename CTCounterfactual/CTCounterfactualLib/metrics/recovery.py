"""How much of a planted finding a counterfactual takes out again, and which way it goes.

The scan without the finding is known, so it is the true counterfactual. With x the scan, c the
clean scan and x' the counterfactual, over the voxels of the finding:

    recovered   1 - mean |x' - c| / mean |x - c|     1: the true one; 0: doing nothing; < 0: worse
    direction   share of the voxels with |x' - x| > `VISIBLE_CHANGE_HU` that moved towards c:
                (x' - x)(c - x) > 0
    overshoot   mean of how far x' lies beyond c, / mean |x - c|

The first is the normalised error of image restoration (a skill score with "no change" as its
reference: Murphy, "Skill scores based on the mean square error", Monthly Weather Review 1988, here
with absolute errors); the others are this project's own.
"""

from __future__ import annotations

import numpy as np

# The lowest level of a heatmap: a change below it is hidden by the noise of most scans.
VISIBLE_CHANGE_HU = 10.0


def recovery(
    scan: np.ndarray, clean: np.ndarray, changed: np.ndarray, finding: np.ndarray
) -> dict[str, float]:
    """Return `recovered`, `direction` and `overshoot`; those that aren't defined are absent.

    Parameters
    ----------
    scan, clean, changed : numpy.ndarray
        (K, J, I), HU: x, c and x'.
    finding : numpy.ndarray
        (K, J, I), bool.

    Returns
    -------
    dict
        Without `direction` if nothing changed visibly there; empty if the finding is empty or the
        same in x and c.
    """
    x, c, to = (volume[finding].astype(np.float64) for volume in (scan, clean, changed))
    missing = np.abs(c - x).sum()
    if not missing:
        return {}
    moved = to - x
    beyond = np.maximum(np.sign(c - x) * (to - c), 0.0)
    found = {
        "recovered": 1 - float(np.abs(to - c).sum() / missing),
        "overshoot": float(beyond.sum() / missing),
    }
    visible = np.abs(moved) > VISIBLE_CHANGE_HU
    if visible.any():
        found["direction"] = float((moved * (c - x) > 0)[visible].mean())
    return found
