"""The paper's search: a fixed ladder of lambda with its stop rules, reproduced exactly.

Source: the authors' code of Latent Shift (Cohen et al., "Gifsplanation via Latent Shift", MIDL
2021; package `latentshift`), which the CT paper uses unchanged. Its oddities are kept on purpose:
steps ignore the gradient's size, and the lambda that *met* a stop rule is the one that is kept,
even if the rule was that the score rose. With baseline `reconstruction` its pictures are the
paper's as well, neither clipped nor smoothed.

Ours, where the paper says nothing: slices without any gradient aren't walked through, because no
rung would move them (`chunks`). And `increase`, which the paper doesn't have, mirrors the ladder
and the rules: "the score rose" becomes "it fell", "fell by more than 0.8" becomes "rose by more
than 0.8". "It is < 0.05" becomes "it is > 0.95" for a probability only; litres and logits have no
upper end to come near to, and have no such rule.
"""

from __future__ import annotations

import math

from ..direction import INCREASE, gain, sign
from . import stopping
from .found import Evaluate, Found, SearchPoint

STEP = 10.0
STEP_GROWTH = 10  # lambda // 10 joins each step
VERY_LOW = 0.05
ENOUGH_CHANGE = 0.8
LAMBDA_BOUND = 3000.0
# The unit of scores that end at 1; see `models.classifier.Target`.
PROBABILITY = "probability"


def next_lambda(lam: float) -> float:
    """Return the rung after `lam` on the ladder: 0, -10, -21, -34, -48, -63, -80, ..."""
    return lam - STEP + math.floor(lam / STEP_GROWTH)


def reference_search(
    evaluate: Evaluate, direction: str, max_change: float, unit: str = PROBABILITY
) -> Found:
    """Walk down the ladder until one of the paper's rules says stop; keep that rung.

    Parameters
    ----------
    evaluate : callable
        lambda -> SearchPoint; called at 0 first.
    direction : str
        `decrease` walks to negative lambda; `increase` mirrors ladder and rules.
    max_change : float
        Fraction of the image; the paper has 0.05 of the whole volume.
    unit : str
        Of the score. With `increase` it decides whether there is a "very high"; `decrease` has
        the paper's "very low" for every unit, as the paper's code does.
    """
    ladder = -sign(direction)
    rung = 0.0
    first = last = evaluate(0.0)
    path = [first]
    while True:
        point = path[-1]
        reason = _stop(point, last, first, direction, max_change, unit)
        if reason:
            return Found(point, reason, tuple(path))
        last = point
        rung = next_lambda(rung)
        path.append(evaluate(ladder * rung))


def _stop(
    point: SearchPoint,
    last: SearchPoint,
    first: SearchPoint,
    direction: str,
    max_change: float,
    unit: str,
) -> str | None:
    """Return the first rule, in the paper's order, that `point` meets."""
    if gain(direction, last.score, point.score) < 0:
        return stopping.no_further(direction)
    if _far_enough(point.score, direction, unit):
        return stopping.TARGET_REACHED
    if gain(direction, first.score, point.score) > ENOUGH_CHANGE:
        return stopping.TARGET_REACHED
    if abs(point.lam) >= LAMBDA_BOUND:
        return stopping.EVALUATION_LIMIT
    if point.change > max_change:
        return stopping.CHANGE_LIMIT
    return None


def _far_enough(score: float, direction: str, unit: str) -> bool:
    """Return whether a score is very low, or, where it is to rise, a very high probability."""
    if direction == INCREASE:
        return unit == PROBABILITY and 1 - score < VERY_LOW
    return score < VERY_LOW
