"""One task's chunks on both sides: same ladder? same predictions? who got lower?"""

from __future__ import annotations

from dataclasses import dataclass

from .engine import MAX_CHANGE
from .paper import PaperChunk

# A score counts as equal within this; rounding in single precision is about as much.
SAME_SCORE = 1e-6
# Below this a relative difference says nothing.
SMALLEST_SCORE = 1e-12


@dataclass(frozen=True)
class Sides:
    """Chunks of both sides.

    Parameters
    ----------
    theirs : list of PaperChunk
        All, or some.
    ours : tuple of Outcome
        All.
    """

    theirs: list[PaperChunk]
    ours: tuple

    @property
    def pairs(self) -> list[tuple]:
        """(theirs, ours) of every chunk that both have."""
        by_start = {chunk.start: chunk for chunk in self.ours}
        return [(chunk, by_start[chunk.start]) for chunk in self.theirs]


def scaled_seconds(sides: Sides, work=None) -> tuple[float, str]:
    """Return the paper's seconds for all chunks, and how that was found, in words.

    Chunks that weren't run are taken to visit the ladder that the engine visits; `work` (of a
    chunk, see `published.Work`) says what a chunk costs beside its evaluations.
    """
    seconds = sum(chunk.seconds for chunk in sides.theirs)
    if len(sides.theirs) == len(sides.ours):
        return seconds, ""
    fixed = 1.0 if work is None else work.fixed / work.evaluation
    ran = sum(fixed + len(chunk.path) for chunk in sides.theirs)
    needed = sum(fixed + chunk.evaluations for chunk in sides.ours)
    how = f" (scaled from {len(sides.theirs)} of {len(sides.ours)} chunks)"
    return seconds * needed / ran, how


def compare_paths(sides: Sides) -> tuple[float, float]:
    """Return the share of chunks with the same lambdas, and the predictions' greatest difference.

    Relative to the paper's prediction, at every lambda that both visited.
    """
    same, difference = 0, 0.0
    for theirs, ours in sides.pairs:
        same += [lam for lam, _ in theirs.path] == [point.lam for point in ours.path]
        for (lam, expected), point in zip(theirs.path, ours.path, strict=False):
            if lam == point.lam:
                gap = abs(point.score - expected) / max(abs(expected), SMALLEST_SCORE)
                difference = max(difference, gap)
    return same / len(sides.pairs), difference


def compare_changes(sides: Sides) -> float:
    """Return the greatest difference of the fractions changed, at each lambda both visited."""
    return max(
        (
            abs(change - point.change)
            for theirs, ours in sides.pairs
            for change, point in zip(theirs.changes, ours.path, strict=False)
        ),
        default=0.0,
    )


def lowest_reached(sides: Sides, kept: bool = False) -> float:
    """Return the share of chunks in which the engine's kept score is as low as the paper's.

    As its lowest, which the paper reports; or (`kept`) as that of the lambda which its code keeps.
    """
    reached = 0
    for theirs, ours in sides.pairs:
        goal = theirs.path[-1][1] if kept else theirs.lowest
        reached += ours.score_after <= goal + SAME_SCORE * abs(goal)
    return reached / len(sides.pairs)


def lowest_within_limit(reference: tuple, ours: tuple) -> float:
    """Return the share of chunks as low as the lowest that the ladder sees within the change limit.

    The rung that breaks the limit ends the paper's search but isn't an image it allows. Both are
    the engine's outcomes, its `reference` run standing for the paper's (their paths are compared).
    """
    reached = 0
    for ladder, found in zip(reference, ours, strict=True):
        goal = min(point.score for point in ladder.path if point.change <= MAX_CHANGE)
        reached += found.score_after <= goal + SAME_SCORE * abs(goal)
    return reached / len(ours)
