"""Parts of a result's record as the objects that they were made of."""

from __future__ import annotations

import math
from typing import Any

from ..counterfactual.result import HeatLevel, Outcome, SearchPoint


def outcome_of(search: dict[str, Any], direction: str) -> Outcome:
    """Return a search of a record."""
    return Outcome(
        start=search["start"],
        stop=search["stop"],
        slab_mm=tuple(search["slab_mm"]),
        lam=search["lambda"],
        score_before=search["score_before"],
        score_after=search["score_after"],
        stop_reason=search["stop_reason"],
        change=search["change"],
        # A fourth number, the logit, follows from the score.
        path=tuple(SearchPoint(*point[:3]) for point in search["path"]),
        direction=direction,
    )


def level_of(label: int, name: str, low_hu: float | None, high_hu: float | None) -> HeatLevel:
    """Return a level of a record: null is unbounded."""
    low = -math.inf if low_hu is None else low_hu
    return HeatLevel(label, name, low, math.inf if high_hu is None else high_hu)
