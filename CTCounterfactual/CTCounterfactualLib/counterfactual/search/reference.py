"""The paper's search: a fixed ladder of lambda with its stop rules, reproduced exactly.

Source: the authors' code of Latent Shift (Cohen et al., "Gifsplanation via Latent Shift", MIDL
2021; package `latentshift`), which the CT paper uses unchanged. Its oddities are kept on purpose:
steps ignore the gradient's size, and the lambda that *met* a stop rule is the one that is kept,
even if the rule was that the score rose. `increase` mirrors every rule.
"""

from __future__ import annotations

import math

from ..result import SearchPoint
from . import stopping
from .found import Evaluate, Found

STEP = 10.0
STEP_GROWTH = 10  # lambda // 10 joins each step
VERY_LOW = 0.05
ENOUGH_CHANGE = 0.8
LAMBDA_BOUND = 3000.0


def next_lambda(lam: float) -> float:
    """Return the rung after `lam` on the ladder: 0, -10, -21, -34, -48, -63, -80, ..."""
    return lam - STEP + math.floor(lam / STEP_GROWTH)


def reference_search(evaluate: Evaluate, direction: str, max_change: float) -> Found:
    """Walk down the ladder until one of the paper's rules says stop; keep that rung.

    Parameters
    ----------
    evaluate : callable
        lambda -> SearchPoint; called at 0 first.
    direction : str
        `decrease` walks to negative lambda; `increase` mirrors ladder and rules.
    max_change : float
        Fraction of the image; the paper has 0.05 of the whole volume.
    """
    sign = 1.0 if direction == "decrease" else -1.0
    rung = 0.0
    first = last = evaluate(0.0)
    path = [first]
    while True:
        point = path[-1]
        reason = _stop(point, last, first, rung, sign, max_change)
        if reason:
            return Found(point, reason, tuple(path))
        last = point
        rung = next_lambda(rung)
        path.append(evaluate(sign * rung))


def _stop(
    point: SearchPoint, last: SearchPoint, first: SearchPoint, rung: float, sign: float,
    max_change: float,
) -> str | None:
    """Return the first rule, in the paper's order, that `point` meets."""
    if sign * (point.score - last.score) > 0:
        return stopping.no_further("decrease" if sign > 0 else "increase")
    if (point.score if sign > 0 else 1 - point.score) < VERY_LOW:
        return stopping.TARGET_REACHED
    if sign * (first.score - point.score) > ENOUGH_CHANGE:
        return stopping.TARGET_REACHED
    if rung <= -LAMBDA_BOUND:
        return stopping.EVALUATION_LIMIT
    if point.change > max_change:
        return stopping.CHANGE_LIMIT
    return None
