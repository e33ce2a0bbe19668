"""What a search returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..result import SearchPoint

# lambda -> its point (score and change); the only thing a search may ask.
Evaluate = Callable[[float], SearchPoint]


@dataclass(frozen=True)
class Found:
    """The point that a search keeps, why it ended, and all it evaluated in order."""

    point: SearchPoint
    stop_reason: str
    path: tuple[SearchPoint, ...]
