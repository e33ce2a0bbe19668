"""Success, measures, tests, shortcuts, cost and failures of a cohort, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...statistics.describe import Description, described
from ...statistics.shares import Share, share
from ...stress.verdict import FAIL_SHARE, WARN_SHARE
from ..rows import DONE, CaseRow
from .table_one import SEED

# As verdicts of `trust` are ordered in the table.
VERDICTS = ("pass", "warn", "fail", "not run")


@dataclass(frozen=True)
class Success:
    """How often something succeeded.

    Parameters
    ----------
    name : str
        What, as a sentence without its figure.
    share : Share
        How often, with its interval.
    """

    name: str
    share: Share


@dataclass(frozen=True)
class Shortcut:
    """How far a classifier reacts to something that it should ignore.

    Parameters
    ----------
    name : str
        The distractor.
    reaction : Description
        Greatest reaction in each scan, as a share of that to a finding.
    doubtful, bad : float
        Share of the scans in which it is at least what `stress` warns of, and what it fails.
    """

    name: str
    reaction: Description
    doubtful: float
    bad: float


def successes(cases: Sequence[CaseRow], seed: int = SEED) -> list[Success]:
    """Return success rates; those that need a decision threshold only where there is one."""
    done = [case for case in cases if case.status == DONE]
    found = [_rate("Cases that were explained", cases, lambda case: case.status == DONE, seed)]
    decided = [case for case in done if case.threshold is not None]
    # Maps of other methods have no counterfactual whose decision could be another.
    changed = [case for case in decided if case.flipped is not None]
    called = [case for case in changed if case.positive and _called(case)]
    controls = [case for case in changed if not case.positive and not _called(case)]
    for name, group, holds in (
        (
            "Positives that the classifier calls positive",
            [c for c in decided if c.positive],
            _called,
        ),
        ("Of these, decisions that the counterfactual changes", called, lambda c: bool(c.flipped)),
        (
            "Negatives called negative whose counterfactual stays negative",
            controls,
            lambda c: not c.flipped,
        ),
    ):
        if group:
            found.append(_rate(name, group, holds, seed))
    moved = [case for case in done if case.positive and case.reduction is not None]
    if moved:
        found.append(
            _rate(
                "Positives whose score falls", moved, lambda case: (case.reduction or 0) > 0, seed
            )
        )
    return found


def _called(case: CaseRow) -> bool:
    """Tell whether the classifier calls the finding present in the scan."""
    if case.score_original is None or case.threshold is None:
        return False
    return case.score_original >= case.threshold


def _rate(name: str, group: Sequence[CaseRow], holds, seed: int) -> Success:
    yes = np.array([holds(case) for case in group], bool)
    return Success(name, share(yes, [case.group for case in group], seed))


def measures(cases: Sequence[CaseRow]) -> dict[str, tuple[Description, Description]]:
    """Return metric -> its values over the positives, and over the negatives."""
    names = sorted({name for case in cases for name in case.metrics})
    return {
        name: (
            described([c.metrics[name] for c in cases if c.positive and name in c.metrics]),
            described([c.metrics[name] for c in cases if not c.positive and name in c.metrics]),
        )
        for name in names
    }


def verdicts(cases: Sequence[CaseRow]) -> dict[str, Counter[str]]:
    """Return test of trust -> how many cases got which verdict."""
    names = sorted({name for case in cases for name in case.trust})
    return {
        name: Counter(case.trust[name] for case in cases if name in case.trust) for name in names
    }


def shortcuts(cases: Sequence[CaseRow]) -> list[Shortcut]:
    """Return the reactions to distractors, strongest median first."""
    names = sorted({name for case in cases for name in case.stress})
    found = []
    for name in names:
        values = np.abs([case.stress[name] for case in cases if name in case.stress])
        one = described(values)
        found.append(
            Shortcut(
                name,
                one,
                float((values >= WARN_SHARE).mean()),
                float((values >= FAIL_SHARE).mean()),
            )
        )
    return sorted(found, key=lambda one: -one.reaction.median)


def cost(cases: Sequence[CaseRow]) -> tuple[Description, Description]:
    """Return seconds and memory (MB) a case."""
    return (
        described([case.seconds for case in cases if case.seconds is not None]),
        described([case.peak_mb for case in cases if case.peak_mb is not None]),
    )


def flags(cases: Sequence[CaseRow]) -> list[tuple[str, int]]:
    """Return the flags that were raised, with how many cases, most frequent first."""
    counted = Counter(name for case in cases for name in case.flags.split())
    return counted.most_common()


def failures(cases: Sequence[CaseRow]) -> list[tuple[str, list[str]]]:
    """Return reason -> the cases that failed by it, most frequent first."""
    found: dict[str, list[str]] = {}
    for case in cases:
        if case.status != DONE:
            found.setdefault(case.reason or "no reason told", []).append(case.id)
    return sorted(found.items(), key=lambda item: -len(item[1]))
