"""Which way a score shall go: the one place that knows what `decrease` and `increase` mean."""

from __future__ import annotations

from .. import setting_table as table

DECREASE, INCREASE = DIRECTIONS = tuple(table.DIRECTIONS)
# What a movement the wanted way is called, in headers and legends.
_NOUNS = {DECREASE: "reduction", INCREASE: "increase"}


def sign(direction: str) -> float:
    """Return -1 for `decrease`, +1 for `increase`: of lambda, and of the movement that is wanted.

    Lambda steps along the gradient, so a positive one raises the score.
    """
    return 1.0 if direction == INCREASE else -1.0


def gain(direction: str, before: float, after: float) -> float:
    """Return how far a score moved the wanted way; negative where it went the other way."""
    # Not sign * (after - before): 0 shall not become -0.
    return after - before if direction == INCREASE else before - after


def noun(direction: str) -> str:
    """Return the word for a gain: "reduction" or "increase"."""
    return _NOUNS[direction]
