"""Table 1: scores of positives, negatives and their counterfactuals, and how far they lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...metrics.auc import area
from ...statistics.bootstrap import mean_interval
from ...statistics.compare import Difference, paired, unpaired
from ...statistics.describe import Description, described
from .scores import Scored

SEED = 2026
POSITIVES, NEGATIVES = "Positive examples", "Negative examples"
OF_POSITIVES = "Counterfactuals of positives"
OF_NEGATIVES = "Counterfactuals of negatives (control)"


@dataclass(frozen=True)
class GroupScores:
    """A row of the table.

    Parameters
    ----------
    name : str
        Which scans.
    scores : Description
        N, mean, standard error ...
    low, high : float
        95 % interval of the mean, by a bootstrap over patients.
    """

    name: str
    scores: Description
    low: float
    high: float


@dataclass(frozen=True)
class TableOne:
    """The table with what follows from it.

    Parameters
    ----------
    groups : tuple of GroupScores
        Its rows; groups without cases are left out.
    differences : tuple of (str, Difference)
        What is compared with what, and the outcome.
    gap_closed : float
        (positives - their counterfactuals) / (positives - negatives), of the means: 1 if the
        counterfactuals score like the negatives. NaN without both, or if positives score no
        higher than negatives: there is then no gap.
    auc : float
        Share of pairs (positive, negative) whose scores are in the right order; NaN without both.
    """

    groups: tuple[GroupScores, ...]
    differences: tuple[tuple[str, Difference], ...]
    gap_closed: float
    auc: float


def table_one(cases: Scored, seed: int = SEED) -> TableOne:
    """Return the table for all cases that have scores."""
    positives, negatives = cases.of(True), cases.of(False)
    groups = [
        _group(name, values, group.patients, seed)
        for name, group, values in (
            (POSITIVES, positives, positives.before),
            (NEGATIVES, negatives, negatives.before),
            (OF_POSITIVES, positives, positives.after),
            (OF_NEGATIVES, negatives, negatives.after),
        )
        if len(group)
    ]
    differences: list[tuple[str, Difference]] = []
    if len(positives) and len(negatives):
        differences.append(
            (
                "positives against negatives",
                unpaired(
                    positives.before,
                    positives.patients,
                    negatives.before,
                    negatives.patients,
                    seed,
                ),
            )
        )
    for name, group in (("positives", positives), ("negatives", negatives)):
        if len(group):
            differences.append(
                (
                    f"{name} against their counterfactuals",
                    paired(group.before, group.after, group.patients, seed),
                )
            )
    if len(positives) and len(negatives):
        differences.append(
            (
                "counterfactuals of positives against negatives",
                unpaired(
                    positives.after, positives.patients, negatives.before, negatives.patients, seed
                ),
            )
        )
    return TableOne(
        tuple(groups),
        tuple(differences),
        _gap_closed(positives, negatives),
        area(cases.before, cases.positive),
    )


def _group(name: str, values: np.ndarray, patients: tuple[str, ...], seed: int) -> GroupScores:
    low, high = mean_interval(values, patients, seed)
    return GroupScores(name, described(values), low, high)


def _gap_closed(positives: Scored, negatives: Scored) -> float:
    if not len(positives) or not len(negatives):
        return float("nan")
    gap = positives.before.mean() - negatives.before.mean()
    return float((positives.before - positives.after).mean() / gap) if gap > 0 else float("nan")
