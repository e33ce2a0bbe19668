"""Explanations out of a responsibility map: sufficient, necessary and complete sets of voxels.

Voxels are ranked by their responsibility in 3D; an explanation is as much of the head of this
ranking as it takes. As ReX has it, a *sufficient* one alone keeps the answer; a *necessary* one
does so too, and without it the answer is lost (there: contrastive); a *complete* one also gives
the scan's own score. ReX adds voxels by the hundred and asks each time; here the length is found by
bisection, which takes some 20 mutants each and is right where more voxels never undo the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .answer import Answer
from .mutants import Mutants

# A length is found to within this share of itself.
LENGTH_TOLERANCE = 0.02
# The scores of a complete explanation and of the scan differ by at most this share of what
# occluding all takes away. (ReX compares rounded confidences.)
COMPLETE_TOLERANCE = 0.05
# Components of a sufficient explanation that are tried to be left out, least responsible first.
MOST_COMPONENTS_TRIED = 24
# Voxels touch by a face, an edge or a corner.
TOUCHING = np.ones((3, 3, 3), bool)

KINDS = ("sufficient", "necessary", "complete")


@dataclass(frozen=True)
class Part:
    """An explanation as a set of voxels.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    mask : numpy.ndarray
        (K, J, I), bool.
    score : float
        Of the volume that keeps only these voxels.
    score_without : float
        Of the volume that keeps all others.
    """

    kind: str
    mask: np.ndarray
    score: float
    score_without: float


def component_sizes(mask: np.ndarray) -> list[int]:
    """Return the voxels of each connected part of a mask, most first."""
    labels, _ = ndimage.label(mask, TOUCHING)
    return sorted((int(size) for size in np.bincount(labels.ravel())[1:]), reverse=True)


def ranking(responsibility: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the voxels that can matter, the most responsible first: flat indices, int64.

    A map of boxes has terraces: on one of them, voxels nearer to the map's peak come first, so that
    an explanation grows in 3D from where the evidence is greatest.

    Parameters
    ----------
    responsibility : numpy.ndarray
        (K, J, I).
    seen : numpy.ndarray
        (K, J, I), bool: where scan and occlusion differ; all others never matter.
    """
    peak = np.unravel_index(np.where(seen, responsibility, -np.inf).argmax(), responsibility.shape)
    axes = [np.abs(np.arange(n) - at) for n, at in zip(responsibility.shape, peak, strict=True)]
    k, j, i = np.ix_(*axes)
    distance = (k * k + j * j + i * i).ravel()
    candidates = np.flatnonzero(seen)
    order = np.lexsort((distance[candidates], -responsibility.ravel()[candidates]))
    return candidates[order]


class Extraction:
    """Takes explanations out of one map.

    Parameters
    ----------
    mutants, answer
        Of the search.
    responsibility : numpy.ndarray
        (K, J, I).
    """

    def __init__(self, mutants: Mutants, answer: Answer, responsibility: np.ndarray):
        self.mutants, self.answer = mutants, answer
        self.responsibility = responsibility
        seen = (mutants.volume != mutants.occlusion).cpu().numpy()
        self._ranks = ranking(responsibility, seen)

    def all(self) -> tuple[Part, ...]:
        """Return the three explanations, each a step further down the ranking."""
        needed = self._least(1, self._keeps)
        sufficient = self._trimmed(self._head(needed))
        without = self._least(needed, self._loses)
        complete = self._least(without, self._completes)
        return (
            self._part("sufficient", sufficient),
            self._part("necessary", self._head(without)),
            self._part("complete", self._head(complete)),
        )

    def _head(self, length: int) -> np.ndarray:
        """Return the first voxels of the ranking as a mask (K, J, I)."""
        mask = np.zeros(self.responsibility.size, bool)
        mask[self._ranks[:length]] = True
        return mask.reshape(self.responsibility.shape)

    def _keeps(self, lengths: list[int]) -> np.ndarray:
        return self.answer.kept(self.mutants.of_masks([self._head(n) for n in lengths]))

    def _loses(self, lengths: list[int]) -> np.ndarray:
        return ~self.answer.kept(self.mutants.of_masks([~self._head(n) for n in lengths]))

    def _completes(self, lengths: list[int]) -> np.ndarray:
        scores = self.mutants.of_masks([self._head(n) for n in lengths])
        allowed = COMPLETE_TOLERANCE * abs(self.answer.original - self.answer.occluded)
        return np.abs(scores - self.answer.original) <= allowed

    def _least(self, least: int, holds: Callable[[list[int]], np.ndarray]) -> int:
        """Return about the least length of the ranking's head, from `least` on, that holds."""
        most = len(self._ranks)
        if least >= most or holds([least])[0]:
            return min(least, most)
        # Even on a logarithmic scale first: explanations may be a thousandth of the scan.
        below, above = least, most
        steps = max(min(self.mutants.batch, 8), 2)
        while above - below > max(1, LENGTH_TOLERANCE * above):
            tried = np.unique(np.geomspace(below, above, steps + 2).round().astype(int))
            lengths = [int(n) for n in tried if below < n < above]
            held = holds(lengths)
            first = int(np.argmax(held)) if held.any() else len(lengths)
            bounds = [below, *lengths, above]
            below, above = bounds[first], bounds[first + 1]
        return above

    def _trimmed(self, mask: np.ndarray) -> np.ndarray:
        """Leave out connected parts that the answer doesn't need, the least responsible first."""
        labels, count = ndimage.label(mask, TOUCHING)
        if count < 2:
            return mask
        weight = ndimage.sum_labels(self.responsibility, labels, np.arange(1, count + 1))
        for label in (np.argsort(weight, kind="stable") + 1)[:MOST_COMPONENTS_TRIED]:
            less = mask & (labels != label)
            if less.any() and self.answer.kept(self.mutants.of_masks([less]))[0]:
                mask = less
        return mask

    def _part(self, kind: str, mask: np.ndarray) -> Part:
        score, without = self.mutants.of_masks([mask, ~mask])
        return Part(kind, mask, float(score), float(without))
