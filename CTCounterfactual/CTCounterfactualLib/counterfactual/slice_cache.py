"""The pictures of two points of a search, so that the one it keeps isn't decoded again."""

from __future__ import annotations

from dataclasses import dataclass

import torch

# lambda, and the slices [start, stop) that it moves.
Where = tuple[float, int, int]


@dataclass(frozen=True)
class _Drawn:
    """Slices (n, 1, H, W) as they look at a point."""

    where: Where
    slices: torch.Tensor


class SliceCache:
    """Holds the slices of two points at most: the last one added, and the one that was kept."""

    def __init__(self) -> None:
        self._last: _Drawn | None = None
        self._kept: _Drawn | None = None

    def add(self, where: Where, slices: torch.Tensor) -> None:
        """Hold the slices (n, 1, H, W) of a point until the next is added."""
        self._last = _Drawn(where, slices)

    def keep(self, where: Where) -> None:
        """Hold on to a point until another is kept; to none if it isn't held any more."""
        self._kept = self._find(where)

    def get(self, where: Where) -> torch.Tensor | None:
        """Return a point's slices (n, 1, H, W), or None if they aren't held."""
        drawn = self._find(where)
        return None if drawn is None else drawn.slices

    def clear(self) -> None:
        """Let go of both."""
        self._last = self._kept = None

    def _find(self, where: Where) -> _Drawn | None:
        for drawn in (self._last, self._kept):
            if drawn is not None and drawn.where == where:
                return drawn
        return None
