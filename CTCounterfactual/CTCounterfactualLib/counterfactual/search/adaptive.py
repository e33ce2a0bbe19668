"""The default search: aim at the change limit, look back once, keep the best.

A step of lambda means nothing by itself: gradients of a probability and of a volume in litres
differ by orders of magnitude. So steps are chosen by the change in the image that they should make.
Most scores fall all the way to the limit. The first step therefore aims straight at it; the change
there says how to correct; one look back at three quarters of the way tells whether the score has
turned, and only then is its turn looked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import stopping
from .found import Evaluate, Found, Keep
from .goal import AdaptiveGoal
from .walk import AIM_SHARE, Walk


@dataclass
class Pace:
    """What one search of a run learned about steps, for the next one's first.

    Parameters
    ----------
    stretch : float
        |lambda| at the change limit / the first-order guess of it.
    exponent : float
        The change grew with |lambda| to this power.
    """

    stretch: float = 1.0
    exponent: float = 1.0


def adaptive_search(
    evaluate: Evaluate,
    first_step: float,
    goal: AdaptiveGoal,
    pace: Pace | None = None,
    keep: Keep | None = None,
) -> Found:
    """Find the lambda whose score moved furthest the wanted way within the change limit.

    Parameters
    ----------
    evaluate : callable
        lambda -> SearchPoint; called at 0 first.
    first_step : float
        |lambda| expected to use up `max_change` (a first-order guess is enough).
    goal : AdaptiveGoal
        Direction, limits and target.
    pace : Pace, optional
        Of an earlier search; this one writes down what it learned.
    keep : callable, optional
        Is told of each point that becomes the best so far, so that its picture needn't be drawn
        again.
    """
    if not first_step > 0:
        start = evaluate(0.0)
        return Found(start, stopping.NO_GRADIENT, (start,))
    pace = pace or Pace()
    walk = Walk(evaluate, goal, pace.exponent, keep)
    if goal.reached(walk.start):
        return Found(walk.start, goal.reached_at_start, (walk.start,))
    reason = walk.to_the_limit(AIM_SHARE * pace.stretch * first_step)
    if reason == stopping.CHANGE_LIMIT:
        pace.stretch, pace.exponent = walk.step_at_limit() / first_step, walk.exponent
    ends = (goal.when_reached, stopping.EVALUATION_LIMIT)
    if reason not in ends and walk.has_turned():
        walk.refine_turn()
        reason = stopping.no_further(goal.direction)
    if goal.target_score is not None and goal.reached(walk.best):
        walk.back_to_target(goal.target_score)
        reason = goal.when_reached
    return Found(walk.best, reason, tuple(walk.path))
