"""The report's section of measures: what `evaluate` found, beside chance and ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ..counterfactual.result import Explanation
from ..methods.attribution import Attribution
from ..storage.objects import read_json
from .folder import REPORT
from .map_report import write_map_report
from .reading import read_record
from .report import write_report
from .says.files import tests_of

METRICS_FILE = "metrics.json"
MOST_BYTES = 1 << 20
# From here on digits after the point say nothing.
WHOLE_FROM = 100
# How names of metrics end that tell a unit; of a scan that is no CT it is another one.
UNIT_ENDS = ("_hu", "_ml", "_mb")
# What may stand beside a number: what chance, the truth and real scans have.
BESIDE = ("chance", "ceiling", "floor")


def measured(folder: Path) -> str:
    """Return the section of a result folder's `metrics.json`; nothing if it wasn't evaluated.

    Raises
    ------
    OutputError, ValueError
        If the file is there and can't be read.
    """
    path = folder / METRICS_FILE
    return measured_section(read_json(path, MOST_BYTES)) if path.exists() else ""


def write_report_anew(folder: Path, result: Explanation | Attribution) -> None:
    """Write the report of a result again, if it has one, with what was measured of it.

    Raises
    ------
    OutputError, ValueError
        If `metrics.json` can't be read, or the report not be written; the earlier one then stays.
    """
    if REPORT not in read_record(folder)["files"]:
        return
    if isinstance(result, Attribution):
        write_map_report(result, folder / REPORT, measured=measured(folder), tests=tests_of(folder))
    else:
        write_report(result, folder / REPORT, measured=measured(folder), tests=tests_of(folder))


def measured_section(content: dict[str, Any]) -> str:
    """Return the section for the content of `metrics.json`; all of it is escaped."""
    metrics, meanings = content["metrics"], content["definitions"]
    beside = [which for which in BESIDE if any(f"{name}_{which}" in metrics for name in meanings)]
    rows = "".join(
        _row(name, metrics, meanings[name], beside) for name in metrics if name in meanings
    )
    head = "".join(f"<th>{name}</th>" for name in ("metric", "value", *beside, "what it is"))
    lacking = "; ".join(by_reason(content["not_applicable"]))
    note = f'<p class="fine">Not given: {escape(lacking)}.</p>' if lacking else ""
    if content.get("features"):
        note = f'<p class="fine">Features of {escape(content["features"])}.</p>{note}'
    return f"<section><h2>Measured</h2><table><tr>{head}</tr>{rows}</table>{note}</section>"


def by_reason(absent: Mapping[str, str]) -> list[str]:
    """Return what lacks with why, what lacks for the same reason together."""
    groups: dict[str, list[str]] = {}
    for group, why in absent.items():
        groups.setdefault(why.rstrip("."), []).append(group)
    return [f"{', '.join(together)}: {why}" for why, together in groups.items()]


def _number(value: float) -> str:
    """Return a number to three digits, whole ones above a hundred."""
    return f"{value:.0f}" if abs(value) >= WHOLE_FROM else f"{value:.3g}"


def _called(name: str, unit: str) -> str:
    """Return a metric's name in words, without the unit that stands beside its number."""
    for end in UNIT_ENDS if unit else ():
        name = name.removesuffix(end)
    return name.replace("_", " ")


def _row(name: str, metrics: dict[str, float], meaning: dict[str, Any], beside: list[str]) -> str:
    value = f"{_number(metrics[name])} {meaning['unit']}".strip()
    if meaning.get("yes_no"):
        value = "yes" if metrics[name] else "no"
    cells = [
        _called(name, meaning["unit"]),
        value,
        *(
            _number(metrics[f"{name}_{which}"]) if f"{name}_{which}" in metrics else ""
            for which in beside
        ),
    ]
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr>{told}<td class="words">{escape(meaning["meaning"])}</td></tr>'
