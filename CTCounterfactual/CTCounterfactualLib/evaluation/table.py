"""An evaluation as lines for a terminal."""

from __future__ import annotations

from typing import Any

from ..outputs.report_measured import by_reason
from . import definitions as d
from .evaluate import RATES, Evaluation

_HEAD = ("metric", "value", "unit", *d.BESIDE, "better", "what it is")


def table_lines(made: Evaluation) -> list[str]:
    """Return the metrics as a table, then the groups that have none, with why."""
    rows = [
        _row(name, d.in_unit(metric, made.unit, made.hu), made.metrics)
        for name, metric in d.METRICS.items()
        if name in made.metrics
    ]
    about = made.about
    return [
        f"{about['scan']}: {about['classifier']}, {about['target']}; by {about['method']}",
        *_aligned(rows),
        *([f"Truth: {made.note}."] if made.note else []),
        *([f"Features: {about['features']}."] if "features" in about else []),
        *(f"Not given: {lacking}." for lacking in by_reason(made.absent)),
    ]


def summary_lines(summary: dict[str, Any]) -> list[str]:
    """Return the summary of several results as a table: medians, of yes and no their rates."""
    values = {
        name: figures["mean" if d.base_of(name) in RATES else "median"]
        for name, figures in summary["metrics"].items()
    }
    rows = [
        _row(
            name,
            d.in_unit(metric, summary["unit"], None),
            values,
            summary["metrics"][name]["n"],
        )
        for name, metric in d.METRICS.items()
        if name in values
    ]
    return [
        f"{summary['results']} results: medians, and of yes and no the rate",
        *_aligned(rows, (*_HEAD[:-1], "n", _HEAD[-1])),
    ]


def _row(
    name: str, metric: d.Metric, values: dict[str, float], n: int | None = None
) -> tuple[str, ...]:
    value = values[name]
    told = number(value)
    if metric.yes_no and n is None:
        told = "yes" if value else "no"
    beside = [
        number(values[f"{name}_{which}"]) if f"{name}_{which}" in values else ""
        for which in d.BESIDE
    ]
    counts = () if n is None else (str(n),)
    return (name, told, metric.unit, *beside, metric.better, *counts, metric.words)


def number(value: float) -> str:
    """Return a number to three digits, whole ones above a hundred."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def _aligned(rows: list[tuple[str, ...]], head: tuple[str, ...] = _HEAD) -> list[str]:
    full = [head, *rows]
    widths = [max(len(row[column]) for row in full) for column in range(len(head))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in full
    ]
