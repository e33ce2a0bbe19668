"""The default search: steps measured as change in the image; bracket, refine, keep the best.

A step of lambda means nothing by itself: gradients of a probability and of a volume in litres
differ by orders of magnitude. So the first step is a probe that measures how fast the image
changes, and all later ones are chosen by the change that they should make.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..result import SearchPoint
from . import stopping
from .found import Evaluate, Found

# The probe asks for this share of the allowed change: large enough to rise above rounding, small
# enough that the change is still about linear in lambda.
PROBE_SHARE = 0.25
# A point within this share of the limit counts as "at the limit"; closer isn't worth a decode.
LIMIT_TOLERANCE = 0.04
# Aim a little below the limit, because a point beyond it cannot be kept.
AIM_SHARE = 0.985
# No step goes beyond this multiple of the last one: the change may be far from linear.
MAX_STRETCH = 4.0
# A score that moved by less than this share of its size didn't move.
SCORE_TOLERANCE = 1e-6
# Where the score turns, two bisections around the best point are worth their cost.
TURN_REFINEMENTS = 2


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
        return -1.0 if self.direction == "decrease" else 1.0

    def gain(self, point: SearchPoint, start: SearchPoint) -> float:
        """Return how far the score moved the wanted way since the start."""
        return self.sign * (point.score - start.score)

    def reached(self, point: SearchPoint) -> bool:
        """Return whether a point is at or beyond the target score."""
        return self.target_score is not None and self.sign * (point.score - self.target_score) >= 0


def adaptive_search(evaluate: Evaluate, first_step: float, goal: AdaptiveGoal) -> Found:
    """Find the lambda whose score moved furthest the wanted way within the change limit.

    Parameters
    ----------
    evaluate : callable
        lambda -> SearchPoint; called at 0 first.
    first_step : float
        |lambda| expected to use up `max_change` (a first-order guess is enough).
    goal : AdaptiveGoal
        Direction, limits and target.
    """
    if not first_step > 0:
        start = evaluate(0.0)
        return Found(start, stopping.NO_GRADIENT, (start,))
    walk = _Walk(evaluate, goal)
    if goal.reached(walk.start):
        return Found(walk.start, stopping.TARGET_REACHED, (walk.start,))
    reason = walk.outwards(first_step * PROBE_SHARE)
    if reason == stopping.no_further(goal.direction):
        walk.refine_turn()
    elif reason == stopping.TARGET_REACHED:
        walk.refine_target()
    return Found(walk.best, reason, tuple(walk.path))


class _Walk:
    """State of one search: the path so far, and the best point that may be kept."""

    def __init__(self, evaluate: Evaluate, goal: AdaptiveGoal):
        self.evaluate = evaluate
        self.goal = goal
        self.start = evaluate(0.0)
        self.path = [self.start]
        self.best = self.start

    def outwards(self, step: float) -> str:
        """Walk to larger |lambda| until something stops it; return why."""
        inside, outside = self.start, None  # the bracket around the change limit
        while True:
            if len(self.path) >= self.goal.max_evaluations:
                return stopping.EVALUATION_LIMIT
            point = self._visit(min(step, self.goal.max_step))
            if point.change > self.goal.max_change:
                outside = point
            elif self.goal.reached(point):
                return stopping.TARGET_REACHED
            elif point.change > 0 and not self._improved(point, inside):
                return stopping.no_further(self.goal.direction)
            else:
                inside = point
            if inside.change >= (1 - LIMIT_TOLERANCE) * self.goal.max_change:
                return stopping.CHANGE_LIMIT
            if abs(inside.lam) >= self.goal.max_step:
                return stopping.NO_GRADIENT
            step = self._next_step(inside, outside)

    def refine_turn(self) -> None:
        """Bisect on both sides of the best point, where the score turned."""
        for _ in range(TURN_REFINEMENTS):
            steps = sorted(abs(point.lam) for point in self.path)
            index = steps.index(abs(self.best.lam))
            sides = [steps[i] for i in (index + 1, index - 1) if 0 <= i < len(steps)]
            if len(self.path) >= self.goal.max_evaluations or not sides:
                return
            widest = max(sides, key=lambda side: abs(side - abs(self.best.lam)))
            self._visit((widest + abs(self.best.lam)) / 2)

    def refine_target(self) -> None:
        """Come back once towards the target score by a secant, to change no more than needed."""
        beyond = self.best
        before = max(
            (p for p in self.path if abs(p.lam) < abs(beyond.lam)), key=lambda p: abs(p.lam)
        )
        span = beyond.score - before.score
        if len(self.path) >= self.goal.max_evaluations or span == 0:
            return
        share = (self.goal.target_score - before.score) / span
        step = abs(before.lam) + share * (abs(beyond.lam) - abs(before.lam))
        point = self._visit(step)
        if self.goal.reached(point) and point.change <= self.goal.max_change:
            self.best = point

    def _visit(self, step: float) -> SearchPoint:
        point = self.evaluate(self.goal.sign * step)
        self.path.append(point)
        allowed = point.change <= self.goal.max_change
        if allowed and self.goal.gain(point, self.start) > self.goal.gain(self.best, self.start):
            self.best = point
        return point

    def _improved(self, point: SearchPoint, last: SearchPoint) -> bool:
        return self.goal.gain(point, last) > SCORE_TOLERANCE * abs(self.start.score)

    def _next_step(self, inside: SearchPoint, outside: SearchPoint | None) -> float:
        """Choose |lambda| by where a line through known changes meets the limit."""
        aim = AIM_SHARE * self.goal.max_change
        if outside is None:
            stretch = aim / inside.change if inside.change > 0 else MAX_STRETCH
            return abs(inside.lam) * min(stretch, MAX_STRETCH)
        share = (aim - inside.change) / (outside.change - inside.change)
        # A far-away or bent far end would leave the step where it is: take at least a tenth.
        share = min(max(share, 0.1), 0.9)
        return abs(inside.lam) + share * (abs(outside.lam) - abs(inside.lam))
