"""The report's section of measures: what `evaluate` found, beside chance and ceiling."""

from __future__ import annotations

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
BESIDE = ("chance", "ceiling")


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
    rows = "".join(_row(name, metrics, meanings[name]) for name in metrics if name in meanings)
    head = "".join(f"<th>{name}</th>" for name in ("metric", "value", *BESIDE, "what it is"))
    lacking = "; ".join(f"{group}: {why}" for group, why in content["not_applicable"].items())
    note = f'<p class="fine">Not given: {escape(lacking)}.</p>' if lacking else ""
    if content.get("features"):
        note = f'<p class="fine">Features of {escape(content["features"])}.</p>{note}'
    return f"<section><h2>Measured</h2><table><tr>{head}</tr>{rows}</table>{note}</section>"


def _row(name: str, metrics: dict[str, float], meaning: dict[str, str]) -> str:
    beside = [metrics.get(f"{name}_{which}") for which in BESIDE]
    value = f"{metrics[name]:.3g} {meaning['unit']}".strip()
    if meaning.get("yes_no"):
        value = "yes" if metrics[name] else "no"
    cells = [
        name.replace("_", " "),
        value,
        *("" if value is None else f"{value:.3g}" for value in beside),
    ]
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr>{told}<td class="words">{escape(meaning["meaning"])}</td></tr>'
