"""The steps of an adaptive search: out to the change limit, a look back, and to where it turned."""

from __future__ import annotations

import math

from . import stopping
from .found import Evaluate, Keep, SearchPoint
from .goal import AdaptiveGoal

# A point within this share of the limit counts as "at the limit"; closer isn't worth a decode.
LIMIT_TOLERANCE = 0.02
# Aim a little below the limit, because a point beyond it cannot be kept.
AIM_SHARE = 0.99
# No step goes beyond this multiple of the last one: the change may be far from a power of lambda.
MAX_STRETCH = 4.0
# Back from the first point beyond the limit, go at least a hundredth of the way.
NEARLY_ALL = 0.99
# Powers of |lambda| by which a change grows; outside these, two points were too close or noisy.
LEAST_EXPONENT, MOST_EXPONENT = 0.4, 3.0
# Two points tell the power if their |lambda| differ by this factor at least.
TELLING_RATIO = 1.25
# A score that moved by less than this share of its size didn't move.
SCORE_TOLERANCE = 1e-6
# Where to look back from the end, and the share of the way from which a point will do for it. A
# score that falls from here to the end has, with one valley, its lowest point near the end.
LOOK_BACK, LOOKED_BACK = 0.75, 0.5
# Most evaluations to find a turn; a parabola's vertex this close to a known point is known.
TURN_REFINEMENTS, TURN_TOLERANCE = 3, 0.01
# From a start that is still the best point, go back to this share of the first worse one.
TURN_SHARE = 0.25
# Most steps back to a target, and how far beyond it, of the way there, is close enough.
TARGET_REFINEMENTS, TARGET_TOLERANCE = 5, 0.02
# Where a step back leaves more than this share of what was too far, go back half of the way next.
LITTLE_PROGRESS, BISECTION = 0.5, 0.5


class Walk:
    """State of one search: the path so far, and the best point that may be kept.

    Parameters
    ----------
    evaluate : callable
        lambda -> SearchPoint; called at 0 at once.
    goal : AdaptiveGoal
        Direction, limits and target.
    exponent : float
        First guess of the power of |lambda| by which the change grows.
    keep : callable, optional
        Is told of each point that becomes the best.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        goal: AdaptiveGoal,
        exponent: float = 1.0,
        keep: Keep | None = None,
    ):
        self.evaluate = evaluate
        self.goal = goal
        self.exponent = exponent
        self._tell = keep
        self.start = evaluate(0.0)
        self.path = [self.start]
        self.best = self.start

    def to_the_limit(self, step: float) -> str:
        """Aim at the change limit until a point lies there or something else ends it; say what."""
        inside, outside = self.start, None  # the bracket around the limit
        while self._may_go_on():
            point = self._visit(min(step, self.goal.max_step))
            if point.change > self.goal.max_change:
                outside = point
            elif self.goal.reached(point):
                return self.goal.when_reached
            elif point.change > 0 and not self._improved(point, inside):
                return stopping.no_further(self.goal.direction)
            else:
                inside = point
            if inside.change >= (1 - LIMIT_TOLERANCE) * self.goal.max_change:
                return stopping.CHANGE_LIMIT
            if abs(inside.lam) >= self.goal.max_step:
                return self.goal.when_farthest
            step = self._next_step(inside, outside)
        return stopping.EVALUATION_LIMIT

    def step_at_limit(self) -> float:
        """Return |lambda| at the change limit, as the point nearest to it tells."""
        changed = (p for p in self.path if p.change > 0)
        nearest = min(changed, key=lambda p: abs(math.log(p.change / self.goal.max_change)))
        return abs(nearest.lam) * self._stretch(nearest, self.goal.max_change)

    def has_turned(self) -> bool:
        """Return whether some point before the end of the way is better than the end.

        Looks back from the end unless the path tells already: a point beyond the limit that is
        better still, or one on the last part of the way.
        """
        end = max(self._allowed(), key=lambda p: abs(p.lam))
        if self.best is not end:
            return True
        beyond = [p for p in self.path if abs(p.lam) > abs(end.lam)]
        before = [p for p in self.path if LOOKED_BACK * abs(end.lam) <= abs(p.lam) < abs(end.lam)]
        if any(self._gain(p) > self._gain(end) for p in beyond) or before or end is self.start:
            return False
        if self._may_go_on():
            self._visit(LOOK_BACK * abs(end.lam))
        return self.best is not end

    def refine_turn(self) -> None:
        """Go to the vertex of the parabola through the best point and its neighbours."""
        for _ in range(TURN_REFINEMENTS):
            by_step = sorted(self.path, key=lambda p: abs(p.lam))
            index = by_step.index(self.best)
            if not self._may_go_on() or index == len(by_step) - 1:
                return
            if index == 0:
                step = TURN_SHARE * abs(by_step[1].lam)
            else:
                around = by_step[index - 1 : index + 2]
                step = _vertex(*((abs(p.lam), self._gain(p)) for p in around))
            if any(abs(step - abs(p.lam)) <= TURN_TOLERANCE * abs(p.lam) for p in by_step[1:]):
                return
            self._visit(step)

    def back_to_target(self, target: float) -> None:
        """Come back by secants to little more change than the target score needs.

        After one that fell short the far end counts half (the Illinois rule), or a bent score would
        keep falling short; after one that is hardly nearer, as where the score has long stopped
        moving, the way is halved.
        """
        self._keep(min(filter(self.goal.reached, self._allowed()), key=lambda p: abs(p.lam)))
        way = self.goal.way(self.start, target)
        aim, weight, most = (1 + TARGET_TOLERANCE / 2) * way, 1.0, 1.0
        for _ in range(TARGET_REFINEMENTS):
            far = self.best
            if self._gain(far) <= (1 + TARGET_TOLERANCE) * way or not self._may_go_on():
                return
            nearer = (p for p in self.path if abs(p.lam) < abs(far.lam))
            near = max(nearer, key=lambda p: abs(p.lam))
            missing, excess = aim - self._gain(near), self._gain(far) - aim
            share = min(missing / (missing + weight * excess), most)
            point = self._visit(abs(near.lam) + share * (abs(far.lam) - abs(near.lam)))
            if point.change > self.goal.max_change:
                return
            reached = self.goal.reached(point)
            self._keep(point if reached else far)
            weight = 1.0 if reached else weight / 2
            hardly = self._gain(point) - aim > LITTLE_PROGRESS * excess
            most = BISECTION if hardly else 1.0

    def _gain(self, point: SearchPoint) -> float:
        return self.goal.gain(point, self.start)

    def _allowed(self) -> list[SearchPoint]:
        return [p for p in self.path if p.change <= self.goal.max_change]

    def _may_go_on(self) -> bool:
        return len(self.path) < self.goal.max_evaluations

    def _visit(self, step: float) -> SearchPoint:
        point = self.evaluate(self.goal.sign * step)
        self.path.append(point)
        if point.change <= self.goal.max_change and self._gain(point) > self._gain(self.best):
            self._keep(point)
        return point

    def _keep(self, point: SearchPoint) -> None:
        if point is not self.best:
            self.best = point
            if self._tell is not None:
                self._tell(point)

    def _improved(self, point: SearchPoint, last: SearchPoint) -> bool:
        return self.goal.gain(point, last) > SCORE_TOLERANCE * abs(
            self.goal.value(self.start.score)
        )

    def _next_step(self, inside: SearchPoint, outside: SearchPoint | None) -> float:
        """Choose |lambda| by where a power law through known changes meets the limit."""
        self._learn_exponent()
        aim = AIM_SHARE * self.goal.max_change
        if outside is None:
            return abs(inside.lam) * min(self._stretch(inside, aim), MAX_STRETCH)
        low, high = abs(inside.lam), abs(outside.lam)
        if inside.change == 0:
            step = high * self._stretch(outside, aim)
            return min(max(step, low + 0.1 * (high - low)), NEARLY_ALL * high)
        # Between two known points: where the power law through both meets the limit.
        share = math.log(aim / inside.change) / math.log(outside.change / inside.change)
        step = low * (high / low) ** share
        return min(max(step, low + 0.1 * (high - low)), low + 0.9 * (high - low))

    def _stretch(self, point: SearchPoint, change: float) -> float:
        """Return the factor on |lambda| from a point to where the change is expected."""
        if point.change == 0:
            return MAX_STRETCH
        return (change / point.change) ** (1 / self.exponent)

    def _learn_exponent(self) -> None:
        """Fit the power law through the last point that changed anything and one well apart."""
        changed = [p for p in self.path if p.change > 0]
        for earlier in reversed(changed[:-1]):
            ratio = math.log(changed[-1].lam / earlier.lam)
            if abs(ratio) >= math.log(TELLING_RATIO):
                slope = math.log(changed[-1].change / earlier.change) / ratio
                self.exponent = min(max(slope, LEAST_EXPONENT), MOST_EXPONENT)
                return


def _vertex(
    low: tuple[float, float], best: tuple[float, float], high: tuple[float, float]
) -> float:
    """Return where the parabola through three (step, gain) points peaks; the middle one is best."""
    (a, fa), (b, fb), (c, fc) = low, best, high
    left, right = (b - a) * (fb - fc), (c - b) * (fb - fa)
    if left + right <= 0:  # flat: the middle of the wider side
        return (b + c) / 2 if c - b > b - a else (a + b) / 2
    # A weighted mean of the middles of both sides, so it always lies between them.
    return ((a + b) / 2 * left + (b + c) / 2 * right) / (left + right)
