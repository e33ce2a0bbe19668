"""Scoring only the slices that changed, for a score that is a sum over slices."""

from __future__ import annotations

from collections.abc import Callable

import torch

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
