"""Whether the classifier changed its mind, and no further than the clean scan would have it.

With f the score in the target's unit and t the classifier's decision threshold:

    detected    1 if f(x) and f(clean) lie on different sides of t: the finding decides
    flipped     1 if f(x) and f(x') lie on different sides of t
    gap_closed  (f(x) - f(x')) / (f(x) - f(clean)): 1 is as far as the clean scan, above is beyond

Some classifiers find something once, in the scan that is explained (such as where the findings
lie), and score other volumes with it. `..._anew` are the same of x' and the clean scan as scans of
their own: is this a scan that such a classifier calls free of the finding?
"""

from __future__ import annotations

import math

ANEW = "_anew"
# Scores nearer to each other than this part of the greater one are the same but for rounding.
SAME_SCORE = 1e-6


def decision(
    before: float, after: float, clean: float | None = None, threshold: float | None = None
) -> dict[str, float]:
    """Return `detected`, `flipped` and `gap_closed`; those that aren't defined are absent.

    Parameters
    ----------
    before, after : float
        f(x) and f(x').
    clean : float, optional
        f(clean); without it, or if it is f(x), there is no gap.
    threshold : float, optional
        At or above it the finding is called present; without it nothing can flip.
    """
    found = {}
    if threshold is not None:
        found["flipped"] = float((before >= threshold) != (after >= threshold))
        if clean is not None:
            found["detected"] = float((before >= threshold) != (clean >= threshold))
    if clean is not None and not math.isclose(before, clean, rel_tol=SAME_SCORE):
        found["gap_closed"] = (before - after) / (before - clean)
    return found


def decision_anew(
    before: float, after: float, clean: float, threshold: float | None = None
) -> dict[str, float]:
    """Return what `decision` does, each name with `ANEW`, of volumes scored as scans of their own.

    `after` and `clean` are scores of x' and the clean scan; f(x) is the same both ways.
    """
    return {f"{name}{ANEW}": v for name, v in decision(before, after, clean, threshold).items()}
