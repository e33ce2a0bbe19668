"""What one search found, and where in the body it searched."""

from __future__ import annotations

from dataclasses import dataclass

from .direction import DECREASE, gain
from .search.found import SearchPoint


@dataclass(frozen=True)
class Outcome:
    """What a search over one range of prepared slices found, and where that lies in the body.

    Parameters
    ----------
    start, stop : int
        Slices [start, stop) of the prepared grid.
    slab_mm : tuple of float
        S coordinates (mm, RAS) of its lower and upper face.
    lam : float
        Lambda of the point that was kept; negative where the score is to decrease.
    score_before, score_after : float
        Scores of the unchanged and the kept volume.
    stop_reason : str
        One of the names in `counterfactual.search.stopping`.
    change : float
        Fraction changed at the kept point (in the settings' `change_scope`).
    path : tuple of SearchPoint
        Every evaluation in the order they were made; its length is `evaluations`.
    direction : str
        Which way the score was to go: `decrease` or `increase`.
    """

    start: int
    stop: int
    slab_mm: tuple[float, float]
    lam: float
    score_before: float
    score_after: float
    stop_reason: str
    change: float
    path: tuple[SearchPoint, ...]
    direction: str = DECREASE

    @property
    def evaluations(self) -> int:
        """Number of classifier evaluations of this search."""
        return len(self.path)

    @property
    def gain(self) -> float:
        """How far the score moved the wanted way (negative where it went the other way)."""
        return gain(self.direction, self.score_before, self.score_after)

    @property
    def reduction(self) -> float:
        """Score before minus score after, whichever way was wanted; see `gain`."""
        return self.score_before - self.score_after
