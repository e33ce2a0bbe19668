"""Scoring a volume again with some of its slices replaced, without repeating what stays the same.

A search changes a chunk of slices dozens of times and leaves all others alone. What a classifier
can keep from the unchanged volume is its own affair (`Classifier.rescorer`); here are the two plain
cases: nothing, and everything that isn't in the changed slices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from .classifier import Classifier


class Rescorer(Protocol):
    """Score of one volume with some slices replaced."""

    def __call__(self, changed: torch.Tensor, start: int) -> float:
        """Return the score with slices [start, start + n) replaced by `changed`.

        Parameters
        ----------
        changed : torch.Tensor
            (n, 1, H, W), 0..1.
        start : int
            First replaced slice; all others are those of the volume that the rescorer was made for.
        """


class WholeRescorer:
    """Score the whole volume each time, in a copy of its own: right for every classifier.

    Parameters
    ----------
    classifier : Classifier
        Ready for the scan.
    x : torch.Tensor
        (1, 1, D, H, W), 0..1; not changed.
    target : str or None
        As in `Classifier.score`.
    """

    def __init__(self, classifier: Classifier, x: torch.Tensor, target: str | None):
        self._classifier = classifier
        self._target = target
        self._volume = x

    def __call__(self, changed: torch.Tensor, start: int) -> float:
        """Return the score with slices replaced; see `Rescorer`."""
        # A new copy each time: whatever a classifier does to it is gone at the next call.
        volume = self._volume.clone()
        # (n, 1, H, W) -> (1, n, H, W): slices become the D axis of the one volume
        volume[0, :, start : start + len(changed)] = changed.transpose(0, 1)
        return float(self._classifier.score(volume, self._target)[0])


# (n, 1, H, W) and the first slice's number -> (n,), float64: what each slice adds to the score.
SliceScores = Callable[[torch.Tensor, int], torch.Tensor]


class PerSliceRescorer:
    """Score only the replaced slices, for a score that is a sum over slices.

    Parameters
    ----------
    slice_scores : callable
        (n, 1, H, W), start -> (n,), float64: what each slice adds to the score, in its unit.
    x : torch.Tensor
        (1, 1, D, H, W), 0..1.
    """

    def __init__(self, slice_scores: SliceScores, x: torch.Tensor):
        self._slice_scores = slice_scores
        self._kept = slice_scores(x[0].transpose(0, 1), 0)  # (1, D, H, W) -> (D, 1, H, W)

    def __call__(self, changed: torch.Tensor, start: int) -> float:
        """Return the score with slices replaced; see `Rescorer`."""
        scores = self._kept.clone()
        scores[start : start + len(changed)] = self._slice_scores(changed, start)
        return float(scores.sum())
