"""What an adaptive search aims at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..direction import gain, sign
from . import stopping
from .found import SearchPoint
from .logit import logit


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
        Stop at the least change whose score is at or beyond this.
    max_evaluations : int
        Most calls of `evaluate`, the one at 0 included.
    max_step : float
        Greatest |lambda|. A search that could go on there ends with `when_farthest`.
    logit : bool
        Whether scores are probabilities, which are compared on their logit.
    when_reached : str
        The stop reason if the target score is reached; one of `stopping`.
    when_farthest : str
        The stop reason at `max_step`: "no gradient" where what would be taken further has next to
        nothing to do with the score, "step limit" where a part of a scan was moved as far as all of
        it.
    """

    direction: str
    max_change: float
    target_score: float | None
    max_evaluations: int
    max_step: float = math.inf
    logit: bool = False
    when_reached: str = stopping.TARGET_REACHED
    when_farthest: str = stopping.NO_GRADIENT

    @property
    def sign(self) -> float:
        """Sign of lambda: -1 to decrease the score, +1 to increase it."""
        return sign(self.direction)

    @property
    def reached_at_start(self) -> str:
        """The stop reason if the start is at or beyond the target score."""
        flips = self.when_reached == stopping.DECISION_CHANGED
        return stopping.NOTHING_TO_FLIP if flips else self.when_reached

    def value(self, score: float) -> float:
        """Return a score on the scale of the search: itself, or its logit."""
        return logit(score) if self.logit else score

    def gain(self, point: SearchPoint, start: SearchPoint) -> float:
        """Return how far the score moved the wanted way since the start."""
        return self.way(start, point.score)

    def way(self, start: SearchPoint, score: float) -> float:
        """Return how far a score lies the wanted way from the start's."""
        return gain(self.direction, self.value(start.score), self.value(score))

    def reached(self, point: SearchPoint) -> bool:
        """Return whether a point is at or beyond the target score."""
        wanted = self.target_score
        return wanted is not None and self.way(point, wanted) <= 0
