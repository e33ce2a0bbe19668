"""What is known of score and change along lambda, and where on it decision and limit lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..counterfactual.direction import DECREASE, DIRECTIONS, sign
from ..counterfactual.search.adaptive import Pace, adaptive_search
from ..counterfactual.search.found import Evaluate, SearchPoint
from ..counterfactual.search.goal import AdaptiveGoal
from ..counterfactual.search.logit import logit as logit_of

# A point within this share below the limit lies at the limit; the searches say the same.
AT_LIMIT = 0.02
# A score this near to the threshold, of the way there, tells where the decision changes.
AT_THRESHOLD = 0.02
# Two points this near to each other, of the farther one, tell what lies between them.
NEAR = 0.02
# A change of this share of another's is as much.
STILL = 0.9
# Evaluations that place the decision's change on lambda, once two points enclose it.
FLIP_EVALUATIONS = 3


@dataclass(frozen=True)
class Mark:
    """A place on lambda.

    Parameters
    ----------
    lam : float
        Where.
    measured : bool
        Whether a point was looked at right there; else it is worked out from those that were.
    """

    lam: float
    measured: bool


class Curve:
    """All points of lambda that were looked at, in that order.

    Parameters
    ----------
    start : SearchPoint
        At lambda = 0.
    max_change : float
        The change limit.
    threshold : float or None
        Where the target's decision lies.
    logit : bool
        Whether the score is a probability that is searched on its logit.
    """

    def __init__(
        self, start: SearchPoint, max_change: float, threshold: float | None, logit: bool = False
    ):
        self._points = {start.lam: start}
        self._start = start
        self._max_change = max_change
        self._threshold = threshold
        self._logit = logit

    def find(self, lam: float) -> SearchPoint | None:
        """Return the point at lambda, if it was looked at."""
        return self._points.get(lam)

    def add(self, point: SearchPoint) -> None:
        """Take a point that was looked at."""
        self._points[point.lam] = point

    def path(self, direction: str) -> tuple[SearchPoint, ...]:
        """Return the points of one direction in the order they were looked at, 0 first."""
        return tuple(p for p in self._points.values() if p.lam * sign(direction) >= 0)

    def limit(self, direction: str, first_step: float) -> Mark | None:
        """Return where the change limit is reached; None where no lambda changes anything.

        Where the change has stopped growing below the limit, as bounds of tissue make it, that is
        the farthest that was looked at.

        Parameters
        ----------
        first_step : float
            |lambda| there, to first order: all that is known before anything was looked at.
        """
        if not first_step > 0:
            return None
        way = sign(direction)
        changed = [p for p in self._by_distance(direction) if p.change > 0]
        inside = [p for p in changed if p.change <= self._max_change]
        outside = [p for p in changed if p.change > self._max_change]
        if inside and inside[-1].change >= (1 - AT_LIMIT) * self._max_change:
            return Mark(inside[-1].lam, True)
        if inside and outside and abs(outside[0].lam) > abs(inside[-1].lam):
            # The change grows by about a power of lambda.
            low, high = inside[-1], outside[0]
            share = math.log(self._max_change / low.change) / math.log(high.change / low.change)
            step = abs(low.lam) * (high.lam / low.lam) ** share
            return Mark(way * step, _near(low, high))
        if changed and _stopped_growing(changed):
            return Mark(changed[-1].lam, False)
        if changed:
            nearest = min(changed, key=lambda p: abs(math.log(p.change / self._max_change)))
            return Mark(nearest.lam * self._max_change / nearest.change, False)
        return Mark(way * first_step, False)

    def flip(self, direction: str) -> Mark | None:
        """Return where the decision changes first; None where no point shows that it does."""
        if self._threshold is None:
            return None
        wanted = self._scaled(self._threshold)
        present = self._start.score >= self._threshold
        before = self._start
        for point in self._by_distance(direction):
            if (point.score >= self._threshold) is present:
                before = point
                continue
            low, high = self._scaled(before.score), self._scaled(point.score)
            lam = before.lam + (wanted - low) / (high - low) * (point.lam - before.lam)
            way = abs(self._scaled(self._start.score) - wanted)
            close = abs(high - wanted) <= AT_THRESHOLD * way
            return Mark(point.lam if close else lam, close or _near(before, point))
        return None

    def _by_distance(self, direction: str) -> list[SearchPoint]:
        return sorted(self.path(direction), key=lambda p: abs(p.lam))

    def _scaled(self, score: float) -> float:
        return logit_of(score) if self._logit else score


def look_for_marks(curve: Curve, evaluate: Evaluate, goal: AdaptiveGoal, first_step: float) -> None:
    """Look at points of one direction until limit and decision are measured, or it can't be.

    Parameters
    ----------
    evaluate : callable
        lambda -> SearchPoint; adds what it finds to the curve, and tells what is there at once.
    goal : AdaptiveGoal
        The change limit alone, and the direction.
    first_step : float
        |lambda| at the limit, to first order.
    """
    adaptive_search(evaluate, first_step, goal, Pace())
    for _ in range(FLIP_EVALUATIONS):
        flip = curve.flip(goal.direction)
        if flip is None or flip.measured:
            return
        evaluate(flip.lam)


def direction_of(lam: float) -> str:
    """Return the direction in which a lambda moves the score; 0 counts as the default's."""
    return next((d for d in DIRECTIONS if sign(d) * lam > 0), DECREASE)


def _stopped_growing(changed: list[SearchPoint]) -> bool:
    """Whether the farthest of some points, by distance, changes hardly more than one well before.

    Less than the square root of lambda would: changes grow by higher powers until something bounds
    them.
    """
    far = changed[-1]
    return any(
        p.change >= STILL * far.change for p in changed if abs(p.lam) <= STILL**2 * abs(far.lam)
    )


def _near(low: SearchPoint, high: SearchPoint) -> bool:
    return abs(high.lam - low.lam) <= NEAR * abs(high.lam)
