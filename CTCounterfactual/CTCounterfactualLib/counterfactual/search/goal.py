"""What an adaptive search aims at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..direction import gain, sign
from .found import SearchPoint


@dataclass(frozen=True)
class AdaptiveGoal:
    """What an adaptive search aims at.

    Parameters
    ----------
    direction : str
        `decrease` (lambda goes negative) or `increase`.
    max_change : float
        Greatest fraction changed that may be kept.
    target_score : float or None
        Stop at the first point at or beyond this.
    max_evaluations : int
        Most calls of `evaluate`, the one at 0 included.
    max_step : float
        Greatest |lambda|. A search that could go on there ends with "no gradient": what it would
        take further has next to nothing to do with the score.
    """

    direction: str
    max_change: float
    target_score: float | None
    max_evaluations: int
    max_step: float = math.inf

    @property
    def sign(self) -> float:
        """Sign of lambda: -1 to decrease the score, +1 to increase it."""
        return sign(self.direction)

    def gain(self, point: SearchPoint, start: SearchPoint) -> float:
        """Return how far the score moved the wanted way since the start."""
        return gain(self.direction, start.score, point.score)

    def reached(self, point: SearchPoint) -> bool:
        """Return whether a point is at or beyond the target score."""
        wanted = self.target_score
        return wanted is not None and gain(self.direction, wanted, point.score) >= 0
