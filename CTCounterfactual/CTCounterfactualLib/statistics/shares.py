"""Shares of cases, such as a success rate, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bootstrap import mean_interval

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval.

    Parameters
    ----------
    count, n : int
        How many of how many.
    value, low, high : float
        0..1; NaN of none.
    """

    count: int
    n: int
    value: float
    low: float
    high: float


def share(yes: np.ndarray, patients: Sequence[str], seed: int = 0) -> Share:
    """Return the share of true values (N,).

    The interval is Wilson's, which holds near 0 and 1, too; where patients have several scans, that
    of a bootstrap over patients; and where all scans are alike, so that no draw differs, Wilson's
    of so many patients.
    """
    count, n = int(yes.sum()), len(yes)
    if not n:
        nan = float("nan")
        return Share(0, 0, nan, nan, nan)
    units = len(set(patients))
    if units < n and 0 < count < n:
        low, high = mean_interval(yes.astype(np.float64), patients, seed)
    else:
        from scipy.stats import binomtest

        alike = round(count * units / n)
        found = binomtest(alike, units).proportion_ci(CONFIDENCE, method="wilson")
        low, high = float(found.low), float(found.high)
    return Share(count, n, count / n, low, high)
