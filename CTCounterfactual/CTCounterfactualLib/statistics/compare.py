"""The difference of two groups, or of two values of the same scans, with its test named.

Tests take values as independent, and several scans of one patient aren't: where patients have more
than one, their mean counts once, which `unit` says. A test of means and one of ranks stand side by
side: the first says whether the averages differ, the second whether that hangs on a few extremes.

    unpaired   Welch's t-test; Mann-Whitney U; effect: Hedges' g
    paired     paired t-test; Wilcoxon signed-rank; effect: Cohen's d_z, mean over deviation of the
               differences
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bootstrap import difference_interval, mean_interval

# Below this many no test is of use, and some are not defined.
FEWEST = 2
WELCH, PAIRED_T = "Welch's t-test", "paired t-test"
MANN_WHITNEY, WILCOXON = "Mann-Whitney U", "Wilcoxon signed-rank"
HEDGES_G, COHENS_DZ = "Hedges' g", "Cohen's d_z"


@dataclass(frozen=True)
class Difference:
    """How far apart two groups are, and how sure that is.

    Parameters
    ----------
    value, low, high : float
        Difference of the means; its 95 % interval by a bootstrap over patients.
    test, p : str, float
        The test of means, two-sided.
    rank_test, rank_p : str, float
        The test of ranks, two-sided.
    effect_name, effect : str, float
        Standardised difference.
    n, m : int
        Values in the first and the second group; of pairs their number, twice.
    unit : str
        What the tests count: "scans", or "patients" where some have several scans.
    """

    value: float
    low: float
    high: float
    test: str
    p: float
    rank_test: str
    rank_p: float
    effect_name: str
    effect: float
    n: int
    m: int
    unit: str


def unpaired(
    values: np.ndarray,
    patients: Sequence[str],
    others: np.ndarray,
    of_others: Sequence[str],
    seed: int = 0,
) -> Difference:
    """Compare two groups of scans: mean(values) - mean(others).

    Parameters
    ----------
    values, others : numpy.ndarray
        (N,) and (M,), finite.
    patients, of_others : sequence of str
        (N,) and (M,): whose each scan is.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Difference
        p-values and effect are NaN where a group has fewer than two units.
    """
    from scipy import stats

    one, many_of_one = _units(values, patients)
    two, many_of_two = _units(others, of_others)
    p = rank_p = effect = float("nan")
    if min(len(one), len(two)) >= FEWEST:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # values all alike: p is NaN, or 0
            p = float(stats.ttest_ind(one, two, equal_var=False).pvalue)
            rank_p = float(stats.mannwhitneyu(one, two).pvalue)
        effect = _hedges_g(one, two)
    low, high = difference_interval(values, patients, others, of_others, seed)
    return Difference(
        _mean(values) - _mean(others),
        low,
        high,
        WELCH,
        p,
        MANN_WHITNEY,
        rank_p,
        HEDGES_G,
        effect,
        len(values),
        len(others),
        "patients" if many_of_one or many_of_two else "scans",
    )


def paired(
    values: np.ndarray, others: np.ndarray, patients: Sequence[str], seed: int = 0
) -> Difference:
    """Compare two values of the same scans: mean(values - others).

    Parameters
    ----------
    values, others : numpy.ndarray
        (N,) each, finite, in the same order.
    patients : sequence of str
        (N,): whose each scan is.
    seed : int
        Of the bootstrap.
    """
    from scipy import stats

    differences = values - others
    one, several = _units(differences, patients)
    p = rank_p = effect = float("nan")
    if len(one) >= FEWEST:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            p = float(stats.ttest_1samp(one, 0.0).pvalue)
            rank_p = float(stats.wilcoxon(one).pvalue) if one.any() else 1.0
        deviation = float(one.std(ddof=1))
        effect = float(one.mean()) / deviation if deviation else float("nan")
    low, high = mean_interval(differences, patients, seed)
    return Difference(
        _mean(differences),
        low,
        high,
        PAIRED_T,
        p,
        WILCOXON,
        rank_p,
        COHENS_DZ,
        effect,
        len(values),
        len(values),
        "patients" if several else "scans",
    )


def _units(values: np.ndarray, patients: Sequence[str]) -> tuple[np.ndarray, bool]:
    """Return one value a patient, and whether any patient had several."""
    names, index = np.unique(np.asarray(patients, dtype=object).astype(str), return_inverse=True)
    if len(names) == len(values):
        return np.asarray(values, np.float64), False
    numbers = np.bincount(index, minlength=len(names))
    return np.bincount(index, values, len(names)) / numbers, True


def _hedges_g(one: np.ndarray, two: np.ndarray) -> float:
    """Return the difference over the pooled deviation, less its bias in small samples (Hedges)."""
    n, m = len(one), len(two)
    free = n + m - 2
    pooled = np.sqrt(((n - 1) * one.var(ddof=1) + (m - 1) * two.var(ddof=1)) / free)
    if not pooled:
        return float("nan")
    return float((one.mean() - two.mean()) / pooled * (1 - 3 / (4 * free - 1)))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
