"""The cohort's scores as groups: positives, negatives, and the counterfactuals of both.

Of probabilities two scales are told: the probability itself, as the paper does, and its logit, on
which a change near 0 or 1 counts as much as one in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..rows import DONE, CaseRow

SCORE, LOGIT = "score", "logit"


@dataclass(frozen=True)
class Scored:
    """Cases that have scores before and after, as arrays: (N,) each, in the tables' order.

    Parameters
    ----------
    ids, patients : tuple of str
        Whose they are.
    positive : numpy.ndarray
        bool: the finding is there, by the label.
    before, after : numpy.ndarray
        Score of the scan and of the counterfactual.
    """

    ids: tuple[str, ...]
    patients: tuple[str, ...]
    positive: np.ndarray
    before: np.ndarray
    after: np.ndarray

    def of(self, positive: bool) -> Scored:
        """Return the positives, or the negatives."""
        return self.where(self.positive == positive)

    def where(self, kept: np.ndarray) -> Scored:
        """Return those that a mask (N,) keeps."""
        chosen = np.flatnonzero(kept)
        return Scored(
            tuple(self.ids[n] for n in chosen),
            tuple(self.patients[n] for n in chosen),
            self.positive[chosen],
            self.before[chosen],
            self.after[chosen],
        )

    def __len__(self) -> int:
        return len(self.ids)


def scored(cases: Sequence[CaseRow], scale: str = SCORE) -> Scored:
    """Return the finished cases whose scores are known on a scale."""
    names = ("score_original", "score_counterfactual")
    if scale == LOGIT:
        names = ("logit_original", "logit_counterfactual")
    kept = [
        (case, getattr(case, names[0]), getattr(case, names[1]))
        for case in cases
        if case.status == DONE and None not in (getattr(case, name) for name in names)
    ]
    return Scored(
        tuple(case.id for case, _, _ in kept),
        tuple(case.group for case, _, _ in kept),
        np.array([case.positive for case, _, _ in kept], bool),
        np.array([before for _, before, _ in kept], np.float64),
        np.array([after for _, _, after in kept], np.float64),
    )


def has_logits(cases: Sequence[CaseRow]) -> bool:
    """Tell whether the target is a probability."""
    return any(case.logit_original is not None for case in cases)
