"""What "the classifier keeps its answer" means for a score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Where no threshold parts yes from no: half of what the scan scores beyond the occluded volume is
# to be kept.
KEPT_HALF = 0.5
# A difference of scores below this share of the greater one is rounding error.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Answer:
    """The answer that a mutant passes by keeping.

    Parameters
    ----------
    original, occluded : float
        Scores of the scan, and of the volume of which nothing is kept.
    boundary : float
        Score that parts the two answers.
    """

    original: float
    occluded: float
    boundary: float

    @classmethod
    def of(cls, original: float, occluded: float, threshold: float | None = None) -> Answer:
        """Return the answer that two scores give.

        The boundary is the threshold of the target's decision if it parts the two scores, as ReX
        compares classes; else the middle between them.
        """
        low, high = sorted((original, occluded))
        parts = threshold is not None and low < threshold < high
        middle = occluded + KEPT_HALF * (original - occluded)
        return cls(original, occluded, threshold if parts and threshold is not None else middle)

    @property
    def nothing_needed(self) -> bool:
        """Whether even the fully occluded volume keeps the answer, so that nothing is explained."""
        scale = max(abs(self.original), abs(self.occluded))
        flat = abs(self.original - self.occluded) <= ROUNDING * scale
        return flat or bool(self.kept(np.array([self.occluded]))[0])

    def kept(self, scores: np.ndarray) -> np.ndarray:
        """Tell which scores (N,) lie on the scan's side of the boundary: (N,), bool."""
        if self.original >= self.boundary:
            return scores >= self.boundary
        return scores < self.boundary

    def share(self, scores: np.ndarray) -> np.ndarray:
        """Return how much of the way from the occluded to the scan's score is kept: (N,), 0..1."""
        span = self.original - self.occluded
        if span == 0:
            return np.ones_like(scores)
        return np.clip((scores - self.occluded) / span, 0, 1)
