"""What a counterfactual changes where there is no finding: elsewhere in the body, and outside it.

    spill_hu         mean |x' - x| over the body further than `NEAR_MM` from the finding, HU
    spill_share      the share of the sum of |x' - x| over the body that lies there
    outside_body_hu  the greatest |x' - x| further than `SKIN_MM` outside the body, HU

Near the finding a change is no spill: compressed lung beside fluid, a meniscus, and partial volume
at the border are the finding's own.
"""

from __future__ import annotations

import numpy as np

from .neighbourhood import within

NEAR_MM = 9.0
# The body is found on a grid of 1.5 x 1.5 x 3 mm: so far its border may be off.
SKIN_MM = 3.0


def spill(
    change: np.ndarray,
    finding: np.ndarray,
    body: np.ndarray,
    outside: np.ndarray,
    spacing: tuple[float, float, float],
) -> dict[str, float]:
    """Return `spill_hu`, `spill_share` and `outside_body_hu`; those not defined are absent.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I), HU: x' - x.
    finding, body, outside : numpy.ndarray
        (K, J, I), bool; `outside` is further than `SKIN_MM` from the body.
    spacing : tuple of float
        (I, J, K) mm.

    Returns
    -------
    dict
        Without `spill_share` if nothing in the body changed.
    """
    size = np.abs(change)
    found = {}
    far = body & ~within(finding, spacing, NEAR_MM)
    if far.any():
        found["spill_hu"] = float(size[far].mean(dtype=np.float64))
        inside = float(size[body].sum(dtype=np.float64))
        if inside:
            found["spill_share"] = float(size[far].sum(dtype=np.float64)) / inside
    if outside.any():
        found["outside_body_hu"] = float(size[outside].max())
    return found
