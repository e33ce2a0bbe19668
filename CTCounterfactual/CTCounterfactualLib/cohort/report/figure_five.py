"""Figure 5 in numbers: how far the score falls by chunk size, and where in the body.

As the paper does, one chunk is changed at a time, and the one that lowers the score most counts for
the scan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...statistics.bootstrap import mean_interval
from ...statistics.describe import Description, described
from ..rows import DONE, CaseRow, ChunkRow
from .table_one import SEED

# Places from the lowest slice (0) to the highest (1) at which profiles are told.
PLACES = 50


@dataclass(frozen=True)
class SizeReduction:
    """How far the best chunk of a size lowers the score.

    Parameters
    ----------
    chunk : int
        Chunk size, prepared slices; 0: the whole volume at once.
    positive : bool
        Of positives or of negatives.
    reduction : Description
        Over the scans.
    low, high : float
        95 % interval of the mean, by a bootstrap over patients.
    after : Description
        The score that the best chunk leaves.
    """

    chunk: int
    positive: bool
    reduction: Description
    low: float
    high: float
    after: Description


@dataclass(frozen=True)
class Profile:
    """Where along the body the score falls: mean and standard error, (`PLACES`,) each.

    Parameters
    ----------
    chunk : int
        Chunk size.
    positive : bool
        Of positives or of negatives.
    n : int
        Scans.
    mean, error : numpy.ndarray
        Reduction by the chunk at that place, in the target's unit.
    truth : numpy.ndarray, optional
        Share of the finding's mask in the chunk there, mean over the scans with a mask.
    """

    chunk: int
    positive: bool
    n: int
    mean: np.ndarray
    error: np.ndarray
    truth: np.ndarray | None


Searches = dict[tuple[str, int], list[ChunkRow]]


def by_case_and_size(chunks: Sequence[ChunkRow]) -> Searches:
    """Return (case, chunk size) -> its searches, from foot to head."""
    found: Searches = defaultdict(list)
    for row in chunks:
        found[row.id, row.chunk].append(row)
    return {key: sorted(rows, key=lambda row: row.start) for key, rows in found.items()}


def best_of(rows: Sequence[ChunkRow]) -> ChunkRow:
    """Return the search that lowers the score most."""
    return max(rows, key=lambda row: row.reduction)


def reductions(
    cases: Sequence[CaseRow], searches: Searches, seed: int = SEED
) -> list[SizeReduction]:
    """Return the reduction of every chunk size, of positives and of negatives, least size first.

    Where the whole volume was searched, too, it stands last, as size 0.
    """
    known = {case.id: case for case in cases if case.status == DONE}
    groups: dict[tuple[int, bool], list[tuple[str, float, float]]] = defaultdict(list)
    for (id, size), rows in searches.items():
        if case := known.get(id):
            best = best_of(rows)
            one = (case.group, best.reduction, best.score_after)
            groups[size, case.positive].append(one)
    for case in known.values():
        if case.lam is not None and case.reduction is not None:
            one = (case.group, case.reduction, float(case.score_counterfactual or 0.0))
            groups[0, case.positive].append(one)
    sizes = [*sorted({size for size, _ in groups if size}), 0]
    return [
        _reduction(size, positive, groups[size, positive], seed)
        for positive in (True, False)
        for size in sizes
        if groups.get((size, positive))
    ]


def _reduction(
    size: int, positive: bool, found: list[tuple[str, float, float]], seed: int
) -> SizeReduction:
    patients = [patient for patient, _, _ in found]
    values = np.array([value for _, value, _ in found])
    low, high = mean_interval(values, patients, seed)
    after = described([score for _, _, score in found])
    return SizeReduction(size, positive, described(values), low, high, after)


def profiles(cases: Sequence[CaseRow], searches: Searches, size: int) -> list[Profile]:
    """Return the profiles of one chunk size, of positives and of negatives.

    Scans differ in length, so places are told from 0, their lowest slice, to 1, their highest.
    """
    found = []
    for positive in (True, False):
        chosen = [
            (case, searches[case.id, size])
            for case in cases
            if case.status == DONE and case.positive == positive and (case.id, size) in searches
        ]
        if not chosen:
            continue
        lines = np.array([_along(case, rows, "reduction") for case, rows in chosen])
        masked = [(case, rows) for case, rows in chosen if rows[0].truth is not None]
        truth = [_along(case, rows, "truth") for case, rows in masked]
        error = lines.std(axis=0, ddof=1) / np.sqrt(len(lines)) if len(lines) > 1 else None
        found.append(
            Profile(
                size,
                positive,
                len(lines),
                lines.mean(axis=0),
                np.zeros(PLACES) if error is None else error,
                np.mean(truth, axis=0) if truth else None,
            )
        )
    return found


def _along(case: CaseRow, rows: list[ChunkRow], name: str) -> np.ndarray:
    """Return a value of the chunk at each place: (`PLACES`,)."""
    slices = case.slices or max(row.stop for row in rows)
    at = (np.arange(PLACES) + 0.5) / PLACES * slices
    index = np.searchsorted([row.stop for row in rows], at, side="right")
    values = np.array([getattr(row, name) or 0.0 for row in rows], np.float64)
    return values[np.minimum(index, len(rows) - 1)]
