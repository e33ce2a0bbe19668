"""What a group of values is summed up by: N, mean and standard error, median, quartiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Description:
    """A group of values in a few numbers.

    Parameters
    ----------
    n : int
        Number of values.
    mean, standard_error, deviation : float
        Arithmetic mean; its standard error, deviation / sqrt(n); the sample's standard deviation,
        with n - 1. NaN where there are too few values: of none the first, of one the others.
    median, low, high : float
        The middle, and the quartiles.
    """

    n: int
    mean: float
    standard_error: float
    deviation: float
    median: float
    low: float
    high: float


def described(values: Sequence[float] | np.ndarray) -> Description:
    """Return what sums up values (N,); those that are no number are left out."""
    kept = finite(values)
    if not len(kept):
        nan = float("nan")
        return Description(0, nan, nan, nan, nan, nan, nan)
    deviation = float(kept.std(ddof=1)) if len(kept) > 1 else float("nan")
    low, median, high = (float(value) for value in np.quantile(kept, (0.25, 0.5, 0.75)))
    return Description(
        len(kept),
        float(kept.mean()),
        deviation / float(np.sqrt(len(kept))),
        deviation,
        median,
        low,
        high,
    )


def finite(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the values that are numbers, float64."""
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]
