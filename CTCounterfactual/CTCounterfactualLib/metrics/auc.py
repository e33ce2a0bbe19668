"""Area under the receiver operating characteristic, with an interval by patients.

    area  the share of pairs (positive, negative) where the positive scores higher; ties count half

Scans of one patient are alike, so the interval draws patients, not scans: a bootstrap of clusters
(Field and Welsh, "Bootstrapping clustered data", JRSS B 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

DRAWS = 2000
# Two-sided: 95 % of the draws lie between.
LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True)
class Auc:
    """An area with its interval.

    Parameters
    ----------
    value, low, high : float
        0..1; the interval is that of 95 %, or the value itself where no draw has both labels.
    positives, negatives, patients : int
        What it is of.
    """

    value: float
    low: float
    high: float
    positives: int
    negatives: int
    patients: int


def area(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the area for scores (N,) and labels (N,), bool; NaN unless there are both labels."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores)  # ties get their mean
    above = ranks[labels].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def auc_by_patient(
    scores: np.ndarray, labels: np.ndarray, patients: Sequence[str], seed: int = 0
) -> Auc:
    """Return the area with an interval from patients drawn anew, with replacement, `DRAWS` times.

    Parameters
    ----------
    scores, labels : numpy.ndarray
        (N,) and (N,), bool.
    patients : sequence of str
        (N,): whose scan each is.
    seed : int
        Of the draws.
    """
    names = sorted(set(patients))
    of_patient = [np.flatnonzero(np.asarray(patients) == name) for name in names]
    rng = np.random.default_rng(seed)
    value = area(scores, labels)
    drawn = []
    for _ in range(DRAWS):
        chosen = np.concatenate([of_patient[i] for i in rng.integers(len(names), size=len(names))])
        one = area(scores[chosen], labels[chosen])
        if np.isfinite(one):
            drawn.append(one)
    low, high = np.quantile(drawn, (LOW, HIGH)) if drawn else (value, value)
    positives = int(labels.sum())
    return Auc(value, float(low), float(high), positives, len(labels) - positives, len(names))
