"""How far readers agree, beyond what chance would give: Cohen's and Fleiss' kappa.

    kappa = (observed - expected) / (1 - expected)

1 is full agreement, 0 what chance gives. Cohen's is of two readers (Cohen 1960), weighted by the
square of the distance for answers in an order (Cohen 1968); Fleiss' of several readers, each case
with the same number of answers (Fleiss 1971).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def cohens_kappa(
    one: Sequence[Any], two: Sequence[Any], categories: Sequence[Any], ordered: bool = False
) -> float:
    """Return the agreement of two readers.

    Parameters
    ----------
    one, two : sequence
        (N,): what each answered, in the same order of cases.
    categories : sequence
        All answers that there are; in their order, if they have one.
    ordered : bool
        Weigh disagreements by the square of their distance.

    Returns
    -------
    float
        NaN without cases, or if both gave one and the same answer to all: chance alone explains it.
    """
    place = {category: number for number, category in enumerate(categories)}
    size = len(categories)
    table = np.zeros((size, size))
    for first, second in zip(one, two, strict=True):
        table[place[first], place[second]] += 1
    if not table.sum():
        return float("nan")
    table /= table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    weights = distance**2 if ordered else (distance > 0)
    by_chance = float((weights * expected).sum())
    return 1 - float((weights * table).sum()) / by_chance if by_chance else float("nan")


def fleiss_kappa(counts: np.ndarray) -> float:
    """Return the agreement of several readers.

    Parameters
    ----------
    counts : numpy.ndarray
        (cases, categories), int: how many readers gave that answer; the same number for each case.

    Returns
    -------
    float
        NaN without cases, with fewer than two readers, or if all answers are the same.

    Raises
    ------
    ValueError
        If cases have different numbers of answers.
    """
    counts = np.asarray(counts, np.float64)
    if not counts.size:
        return float("nan")
    readers = counts.sum(axis=1)
    if (readers != readers[0]).any():
        raise ValueError("cases have different numbers of answers")
    if readers[0] < 2:
        return float("nan")
    each = (counts * (counts - 1)).sum(axis=1) / (readers[0] * (readers[0] - 1))
    expected = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return (float(each.mean()) - expected) / (1 - expected) if expected < 1 else float("nan")
