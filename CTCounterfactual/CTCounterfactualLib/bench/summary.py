"""Scores of many cases as a table of numbers, a summary of them, and lines for a terminal.

`summary.json`, schema 1:

    schema     1
    cases      how many the bench has
    scored     how many have a score
    problems   case -> why it has none
    all        metric -> {median, p10, p90, mean, min, max, n} over all scored cases that have it
    findings   finding -> the same over its cases

What no case has is absent, never 0. A metric that is yes or no is read by its mean: its rate.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..storage.atomic import write_json, write_text
from .case_score import CaseScore

SCHEMA = 1
SCORES_FILE, SUMMARY_FILE = "scores.csv", "summary.json"
LOW, HIGH = 0.1, 0.9
# In the order of the tables; a metric that isn't listed comes after these.
METRICS = (
    "recovered",
    "direction",
    "overshoot",
    "spill_hu",
    "spill_share",
    "outside_body_hu",
    "hit",
    "hit_6mm",
    "mass_in_mask",
    "detected",
    "flipped",
    "gap_closed",
    "detected_anew",
    "flipped_anew",
    "gap_closed_anew",
    "specificity",
    "reversal",
    "deep_share",
    "deep_haze_share",
    "lung_change_ml",
    "lung_change_true_ml",
    "slice_roughness",
    "border_jump",
    "seconds",
    "peak_memory_mb",
)
# Yes or no: their mean is a rate, their median says little.
RATES = frozenset(
    {
        *("hit", "hit_6mm", "hit_ceiling", "hit_6mm_ceiling"),
        *("detected", "flipped", "detected_anew", "flipped_anew"),
    }
)
BESIDE = ("chance", "ceiling")
_INFO = ("case", "finding", "ml", "place", "seed", "problem")
_DIGITS = 6


def summarise(scores: Sequence[CaseScore]) -> dict[str, Any]:
    """Return the content of `summary.json`; see the module's text."""
    findings = sorted({score.case.finding for score in scores})
    return {
        "schema": SCHEMA,
        "cases": len(scores),
        "scored": sum(not score.problem for score in scores),
        "problems": {score.case.case: score.problem for score in scores if score.problem},
        "all": _of(scores),
        "findings": {
            finding: _of([score for score in scores if score.case.finding == finding])
            for finding in findings
        },
    }


def write_scores_table(scores: Sequence[CaseScore], folder: Path) -> None:
    """Write `scores.csv`: one row a case; a cell is empty where there is no such number."""
    columns = names_of(scores)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_INFO, *columns))
    for score in scores:
        case = score.case
        writer.writerow(
            (
                case.case,
                case.finding,
                f"{case.ml:g}",
                case.place,
                case.seed,
                score.problem,
                *(_cell(score.metrics.get(name)) for name in columns),
            )
        )
    write_text(folder / SCORES_FILE, text.getvalue(), parents=True)


def write_summary(summary: dict[str, Any], folder: Path) -> None:
    """Write `summary.json`."""
    write_json(folder / SUMMARY_FILE, summary, parents=True)


def table_lines(summary: dict[str, Any]) -> list[str]:
    """Return the summary as lines: metrics down, findings across; then what has no score.

    A cell is the median with 10 and 90 % in brackets; of a rate its mean.
    """
    groups = {**summary["findings"], "all": summary["all"]}
    names = [n for n in _ordered(summary["all"]) if not n.endswith(BESIDE)]
    header = ["metric", *groups, *BESIDE]
    rows = [header]
    for name in names:
        cells = [cell(name, group.get(name)) for group in groups.values()]
        beside = [short(name, summary["all"].get(f"{name}_{which}")) for which in BESIDE]
        rows.append([name, *cells, *beside])
    if len(groups) == 2:  # one finding: all is the same
        rows = [row[:1] + row[2:] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    counts = f"{summary['scored']} of {summary['cases']} cases have a score."
    return [*lines, counts, *(f"{case}: {why}" for case, why in summary["problems"].items())]


def cell(name: str, one: dict[str, float] | None) -> str:
    """Return a metric's figures for a cell: "0.61 [0.20, 0.83]", of a rate "0.95", n if few."""
    if one is None:
        return "-"
    if name in RATES:
        return f"{one['mean']:.2f} (n={one['n']})"
    return f"{_number(one['median'])} [{_number(one['p10'])}, {_number(one['p90'])}]"


def short(name: str, one: dict[str, float] | None) -> str:
    """Return a metric's median, or the mean of a rate and of a chance to hit; empty without any."""
    if one is None:
        return ""
    return _number(one["mean"] if name in RATES else one["median"])


def names_of(scores: Sequence[CaseScore]) -> list[str]:
    """Return the names of all metrics that any case has, in the tables' order."""
    return _ordered({name: None for score in scores for name in score.metrics})


def _ordered(names: dict[str, Any]) -> list[str]:
    """Return names in the tables' order, each followed by what stands beside it."""
    known = [
        form
        for name in METRICS
        for form in (name, *(f"{name}_{which}" for which in BESIDE))
        if form in names
    ]
    return known + sorted(set(names) - set(known))


def _of(scores: Sequence[CaseScore]) -> dict[str, dict[str, float]]:
    return {
        name: _figures([s.metrics[name] for s in scores if name in s.metrics])
        for name in names_of(scores)
    }


def _figures(values: list[float]) -> dict[str, float]:
    low, median, high = np.quantile(values, (LOW, 0.5, HIGH))
    figures = {
        "median": median,
        "p10": low,
        "p90": high,
        "mean": np.mean(values),
        "min": min(values),
        "max": max(values),
    }
    return {**{name: round(float(v), _DIGITS) for name, v in figures.items()}, "n": len(values)}


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _number(value: float) -> str:
    places = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{places}f}"
