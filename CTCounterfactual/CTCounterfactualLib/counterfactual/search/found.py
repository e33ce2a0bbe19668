"""What a search asks and what it returns: numbers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class SearchPoint:
    """One evaluation: lambda, the score there, and the fraction of the image that changed."""

    lam: float
    score: float
    change: float


# lambda -> its point (score and change); the only thing a search may ask.
Evaluate = Callable[[float], SearchPoint]
# Is told of each point that becomes the best so far, right after it was evaluated.
Keep = Callable[[SearchPoint], object]


@dataclass(frozen=True)
class Found:
    """The point that a search keeps, why it ended, and all it evaluated in order.

    With its place in the body it becomes a `result.Outcome`.
    """

    point: SearchPoint
    stop_reason: str
    path: tuple[SearchPoint, ...]
