"""One search as the scene's tables and attributes have it, finished or just reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...counterfactual.direction import DECREASE, gain
from ...counterfactual.result import Outcome
from ...counterfactual.scale import gain_on_scale
from . import names


@dataclass(frozen=True)
class SearchRow:
    """What is shown of the search over prepared slices [start, stop).

    Parameters
    ----------
    low, high : float
        S coordinates (mm, RAS) of the slab's faces, before any parent transform.
    lam : float
        Lambda that was kept.
    change : float
        Fraction of the image that changed.
    evaluations : int
        Times the model was run.
    direction : str
        Which way the score was to go.
    """

    start: int
    stop: int
    low: float
    high: float
    lam: float
    score_before: float
    score_after: float
    stop_reason: str
    change: float
    evaluations: int
    direction: str = DECREASE

    @classmethod
    def of(cls, outcome: Outcome) -> SearchRow:
        """Return the row of a finished search."""
        return cls(
            outcome.start,
            outcome.stop,
            *outcome.slab_mm,
            outcome.lam,
            outcome.score_before,
            outcome.score_after,
            outcome.stop_reason,
            outcome.change,
            outcome.evaluations,
            outcome.direction,
        )

    @classmethod
    def from_event(cls, data: Mapping[str, Any]) -> SearchRow:
        """Return the row of a `chunk` event's data; other keys in it are ignored."""
        low, high = data["slab_mm"]
        return cls(
            int(data["start"]),
            int(data["stop"]),
            float(low),
            float(high),
            float(data["lambda"]),
            float(data["score_before"]),
            float(data["score_after"]),
            str(data["stop_reason"]),
            float(data["change"]),
            int(data["evaluations"]),
            str(data["direction"]),
        )

    @property
    def name(self) -> str:
        """Name of the slices, as nodes have it."""
        return names.slices_name(self.start, self.stop)

    @property
    def centre(self) -> float:
        """S coordinate (mm) of the middle of the slab."""
        return (self.low + self.high) / 2

    @property
    def gain(self) -> float:
        """How far the score moved the wanted way."""
        return gain(self.direction, self.score_before, self.score_after)

    def gain_on_scale(self, unit: str) -> float:
        """Return the gain of a score of a unit: of a probability, on its logit."""
        return gain_on_scale(unit, self.direction, self.score_before, self.score_after)
