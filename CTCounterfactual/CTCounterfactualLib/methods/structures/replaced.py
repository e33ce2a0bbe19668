"""The game of the Shapley values: the score with some structures replaced by other voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...counterfactual.run import Run
from ...counterfactual.scale import gain_on_scale

# Where one structure is replaced and its neighbour isn't, the change fades over this: a standard
# deviation of about a voxel. An edge of its own would be something that no scan has.
EDGE_MM = 1.5
# A Gaussian beyond this many standard deviations is nothing.
TRUNCATE = 3.0


@dataclass(frozen=True)
class Part:
    """A change within a box: what one player does.

    Parameters
    ----------
    box : tuple of slice
        (K, J, I).
    change : numpy.ndarray
        Of the box, 0..1 intensities.
    """

    box: tuple[slice, ...]
    change: np.ndarray


def soft_mask(mask: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return a mask (K, J, I), bool, with soft edges: float32; of masks that part a body, sum 1."""
    sigma = [EDGE_MM / mm for mm in spacing[::-1]]  # (I, J, K) -> (K, J, I)
    return ndimage.gaussian_filter(mask.astype(np.float32), sigma, truncate=TRUNCATE)


def part_of(change: np.ndarray) -> Part:
    """Return a change (K, J, I) cut to where it isn't 0."""
    boxes = ndimage.find_objects((change != 0).astype(np.uint8))
    box = boxes[0] if boxes else (slice(0, 0),) * 3
    return Part(box, np.ascontiguousarray(change[box], np.float32))


class Replaced:
    """Gain of the score, on its scale, with a set of players replaced; a `shapley.Game`.

    Parameters
    ----------
    run : Run
        Whose classifier scores.
    volume : numpy.ndarray
        (K, J, I), 0..1: the scan.
    parts : sequence of Part
        Of each player.
    score : float
        Of the scan.
    """

    def __init__(self, run: Run, volume: np.ndarray, parts: Sequence[Part], score: float):
        self._run, self._volume, self._parts, self._score = run, volume, parts, score

    def __call__(self, players: int) -> float:
        """Return the gain with the players replaced whose bits are set."""
        return gain_on_scale(
            self._run.unit, self._run.settings.direction, self._score, self.score(players)
        )

    def score(self, players: int) -> float:
        """Return the score, in the target's unit, with those players replaced."""
        self._run.reporter.check()
        chosen = [
            part
            for number, part in enumerate(self._parts)
            if players >> number & 1 and part.change.size
        ]
        if not chosen:
            return self._score
        start = min(part.box[0].start for part in chosen)
        stop = max(part.box[0].stop for part in chosen)
        changed = self._volume[start:stop].copy()
        for part in chosen:
            k, j, i = part.box
            changed[k.start - start : k.stop - start, j, i] += part.change
        return self._run.rescore(changed.clip(0, 1), start)
