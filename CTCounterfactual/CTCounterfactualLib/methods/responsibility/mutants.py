"""Mutants: the scan with some voxels kept and all others occluded; scored in batches, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import torch

from .boxes import Box

ScoreBatch = Callable[[torch.Tensor], torch.Tensor]
# A batch of mutants, float32, takes at most about this much memory.
BATCH_BYTES = 256e6
FLOAT32_BYTES = 4
MOST_BATCH = 16


class Mutants:
    """Scores mutants of one scan.

    Parameters
    ----------
    score : callable
        Of volumes (N, 1, K, J, I), 0..1: scores (N,).
    volume, occlusion : torch.Tensor
        (K, J, I), 0..1, on the same device: the prepared scan, and what is seen where it isn't
        kept.
    batch : int, optional
        Mutants that are scored together; None: as many as `BATCH_BYTES` hold, `MOST_BATCH` at most.
    check : callable
        Asked before each batch; it may raise.
    """

    def __init__(
        self,
        score: ScoreBatch,
        volume: torch.Tensor,
        occlusion: torch.Tensor,
        batch: int | None = None,
        check: Callable[[], None] = lambda: None,
    ):
        self._score, self._check = score, check
        self.volume, self.occlusion = volume, occlusion
        fitting = int(BATCH_BYTES / (FLOAT32_BYTES * max(prod(volume.shape), 1)))
        self.batch = batch or min(max(fitting, 1), MOST_BATCH)
        self.calls = 0

    def of_boxes(self, kept: Sequence[Sequence[Box]]) -> np.ndarray:
        """Return the scores of mutants that keep these boxes each: (N,), float64."""

        def fill(mutant: torch.Tensor, boxes: Sequence[Box]) -> None:
            for box in boxes:
                mutant[box.slices] = self.volume[box.slices]

        return self._scores(kept, self.occlusion, fill)

    def of_masks(self, kept: Sequence[np.ndarray]) -> np.ndarray:
        """Return the scores of mutants that keep the True voxels of these masks: (N,), float64."""

        def fill(mutant: torch.Tensor, mask: np.ndarray) -> None:
            where = torch.from_numpy(mask).to(mutant.device)
            mutant.copy_(torch.where(where, self.volume, self.occlusion))

        return self._scores(kept, self.occlusion, fill)

    def _scores(self, kept: Sequence, begun: torch.Tensor, fill: Callable) -> np.ndarray:
        scores = []
        for first in range(0, len(kept), self.batch):
            self._check()
            part = kept[first : first + self.batch]
            mutants = begun.expand(len(part), *begun.shape).clone()
            for mutant, what in zip(mutants, part, strict=True):
                fill(mutant, what)
            with torch.no_grad():
                found = self._score(mutants[:, None])  # (n, K, J, I) -> (n, 1, K, J, I)
            scores.append(found.detach().double().cpu().numpy())
            self.calls += len(part)
        return np.concatenate(scores) if scores else np.empty(0)
