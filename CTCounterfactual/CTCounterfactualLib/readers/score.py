"""What a reader study shows: are readers better, faster, more of one mind with explanations?

Each reader reads each case both ways, so all differences are of pairs. Readers are averaged first,
and the tests and intervals are over cases, by patient: they speak of cases like these, and of these
readers. That other readers would gain as much, they don't say (for that a study needs many readers,
and a model of readers and cases as that of Obuchowski and Rockette).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ..counterfactual.result import DISCLAIMER
from ..metrics.auc import area
from ..outputs.numbers import fixed, percent, signed
from ..statistics.agreement import cohens_kappa, fleiss_kappa
from ..statistics.bootstrap import HIGH, LOW
from ..statistics.compare import Difference, paired
from ..storage.atomic import write_json
from .answers import CONFIDENCES, Answer, read_answers, read_key
from .make import SCHEMA, SCORES

DRAWS = 1000
SEED = 2026


@dataclass(frozen=True)
class Arm:
    """All readings of one kind.

    Parameters
    ----------
    auc : dict of str to float
        Reader -> area under the curve of confidence.
    mean_auc : float
        Their mean.
    fleiss, cohen : float
        Agreement of all readers on the five answers; of two readers each, weighted, the mean.
    seconds : float
        Median time of a case.
    """

    auc: dict[str, float]
    mean_auc: float
    fleiss: float
    cohen: float
    seconds: float


@dataclass(frozen=True)
class StudyScore:
    """What came out.

    Parameters
    ----------
    plain, explained : Arm
        Without and with explanations.
    right : Difference
        Of the confidence in the truth, with minus without: mean over readers, pairs of cases.
    time : Difference
        Of the seconds, with minus without.
    auc_gain, auc_low, auc_high : float
        Difference of the mean areas, with its 95 % interval by a bootstrap over patients.
    answers, planned, pairs : int
        Answers that are there, that should be, and pairs of both kinds.
    """

    plain: Arm
    explained: Arm
    right: Difference
    time: Difference
    auc_gain: float
    auc_low: float
    auc_high: float
    answers: int
    planned: int
    pairs: int


def score_study(folder: str | Path) -> StudyScore:
    """Score a study by the answers that are there, and write `scores.json`.

    Raises
    ------
    OutputError
        If there are no answers, or a file is damaged.
    """
    folder = Path(folder)
    found = scored(read_answers(folder), len(read_key(folder)))
    content = {"schema": SCHEMA, "disclaimer": DISCLAIMER, **asdict(found)}
    write_json(folder / SCORES, _plain(content))
    return found


def scored(answers: Sequence[Answer], planned: int) -> StudyScore:
    """Return what answers show."""
    plain, explained = ([a for a in answers if a.reading.explained == kind] for kind in (0, 1))
    pairs = _pairs(answers)
    gain = _arm(explained).mean_auc - _arm(plain).mean_auc
    low, high = _auc_interval(answers)
    return StudyScore(
        _arm(plain),
        _arm(explained),
        _compared(pairs, "right"),
        _compared(pairs, "seconds"),
        gain,
        low,
        high,
        len(answers),
        planned,
        len(pairs),
    )


def _pairs(answers: Sequence[Answer]) -> list[tuple[Answer, Answer]]:
    """Return (without, with) of each reader and case that was read both ways."""
    found: dict[tuple[str, str], dict[bool, Answer]] = defaultdict(dict)
    for one in answers:
        found[one.reading.reader, one.reading.case][one.reading.explained] = one
    return [(both[False], both[True]) for both in found.values() if len(both) == 2]


def _compared(pairs: Sequence[tuple[Answer, Answer]], what: str) -> Difference:
    """Compare a value of the answers, averaged over readers first, in pairs of cases."""
    cases: dict[str, list[tuple[float, float]]] = defaultdict(list)
    groups: dict[str, str] = {}
    for plain, explained in pairs:
        cases[plain.reading.case].append((getattr(explained, what), getattr(plain, what)))
        groups[plain.reading.case] = plain.reading.group
    means = np.array([np.mean(values, axis=0) for values in cases.values()]).reshape(-1, 2)
    return paired(means[:, 0], means[:, 1], [groups[case] for case in cases], SEED)


def _arm(answers: Sequence[Answer]) -> Arm:
    readers: dict[str, dict[str, Answer]] = defaultdict(dict)
    for one in answers:
        readers[one.reading.reader][one.reading.case] = one
    auc = {name: _area(list(own.values())) for name, own in sorted(readers.items())}
    known = [value for value in auc.values() if math.isfinite(value)]
    everywhere = (
        sorted(set.intersection(*(set(own) for own in readers.values()))) if readers else []
    )
    counts = [
        [sum(own[case].confidence == c for own in readers.values()) for c in CONFIDENCES]
        for case in everywhere
    ]
    kappas = [
        cohens_kappa(*_common(one, two), CONFIDENCES, ordered=True)
        for one, two in combinations(readers.values(), 2)
    ]
    finite = [value for value in kappas if math.isfinite(value)]
    return Arm(
        auc,
        float(np.mean(known)) if known else math.nan,
        fleiss_kappa(np.array(counts)),
        float(np.mean(finite)) if finite else math.nan,
        float(np.median([one.seconds for one in answers])) if answers else math.nan,
    )


def _common(one: dict[str, Answer], two: dict[str, Answer]) -> tuple[list[int], list[int]]:
    cases = sorted(set(one) & set(two))
    return [one[case].confidence for case in cases], [two[case].confidence for case in cases]


def _area(answers: Sequence[Answer]) -> float:
    confidence = np.array([one.confidence for one in answers], np.float64)
    return area(confidence, np.array([one.reading.label > 0 for one in answers], bool))


def _auc_interval(answers: Sequence[Answer]) -> tuple[float, float]:
    """Return the interval of the gain in area, from patients drawn anew with all their readings."""
    by_patient: dict[str, list[Answer]] = defaultdict(list)
    for one in answers:
        by_patient[one.reading.group].append(one)
    groups = list(by_patient.values())
    rng = np.random.default_rng(SEED)
    gains = []
    for _ in range(DRAWS if len(groups) > 1 else 0):
        drawn = [one for n in rng.integers(len(groups), size=len(groups)) for one in groups[n]]
        gain = _mean_area(drawn, True) - _mean_area(drawn, False)
        if math.isfinite(gain):
            gains.append(gain)
    if not gains:
        return math.nan, math.nan
    low, high = np.quantile(gains, (LOW, HIGH))
    return float(low), float(high)


def _mean_area(answers: Sequence[Answer], explained: bool) -> float:
    readers: dict[str, list[Answer]] = defaultdict(list)
    for one in answers:
        if one.reading.explained == explained:
            readers[one.reading.reader].append(one)
    found = [value for own in readers.values() if math.isfinite(value := _area(own))]
    return float(np.mean(found)) if found else math.nan


def score_lines(found: StudyScore) -> list[str]:
    """Return what came out as lines for a terminal."""
    readers = sorted({*found.plain.auc, *found.explained.auc})
    lines = [
        f"{found.answers} of {found.planned} answers, {found.pairs} cases read both ways",
        "",
        f"{'':<34} {'without':>9} {'with':>9}",
    ]
    rows = [
        (f"AUC of reader {name}", found.plain.auc.get(name), found.explained.auc.get(name))
        for name in readers
    ]
    rows += [
        ("AUC, mean of readers", found.plain.mean_auc, found.explained.mean_auc),
        ("agreement of all, Fleiss' kappa", found.plain.fleiss, found.explained.fleiss),
        ("of two, Cohen's weighted kappa", found.plain.cohen, found.explained.cohen),
        ("seconds a case, median", found.plain.seconds, found.explained.seconds),
    ]
    lines += [f"{name:<34} {_told(one):>9} {_told(two):>9}" for name, one, two in rows]
    lines += [
        "",
        f"AUC gained: {_told(found.auc_gain, True)} "
        f"(95 % {_told(found.auc_low, True)} to {_told(found.auc_high, True)})",
        _difference("Confidence in the truth (1 to 5)", found.right),
        _difference("Seconds a case", found.time),
    ]
    if found.answers < found.planned:
        lines.append(f"Not complete: {percent(1 - found.answers / found.planned)} is missing.")
    return [*lines, f"It speaks of these readers. {DISCLAIMER}."]


def _difference(name: str, one: Difference) -> str:
    return (
        f"{name}, with minus without: {signed(one.value)} "
        f"(95 % {_told(one.low, True)} to {_told(one.high, True)}), {one.test} p = {_told(one.p)}, "
        f"{one.rank_test} p = {_told(one.rank_p)}, "
        f"{one.effect_name} {_told(one.effect)}, N = {one.n}"
    )


def _told(value: float | None, sign: bool = False) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return signed(value) if sign else fixed(value, 3)


def _plain(value: Any) -> Any:
    """Return values as JSON holds them: what is no number is null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
