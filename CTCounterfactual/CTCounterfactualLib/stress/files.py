"""What `stress` writes: a table of trials, the verdicts, a picture sheet; and the table to read.

`stress.json`, schema 1: `disclaimer`, `scan`, `classifier`, `target`, `settings`, `score`, `scale`
(unit of all deltas), `reference` (finding, delta, floor, seen), `level`, `verdicts` (kind, level,
text, median, worst, share, flips), `trials` (as `stress.csv`), `seconds`, `versions`, `device`.
"""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..counterfactual.result import DISCLAIMER
from ..storage.atomic import check_free, write_json, write_text
from ..storage.names import check_name
from .run import StressReport
from .sheet import SHEET_FILE, draw_sheet
from .trial import Trial
from .verdict import UNKNOWN

SCHEMA = 1
TABLE_FILE, RECORD_FILE = "stress.csv", "stress.json"
COLUMNS = (
    "group", "kind", "number", "seed", "place", "ml", "score", "delta", "refused", "problem"
)  # fmt: skip


def write_stress(
    report: StressReport, output: str | Path, force: bool = False, sheet: bool = True
) -> Path:
    """Write `stress.csv`, `stress.json` and `stress.png` into a folder; return it.

    Raises
    ------
    OutputError
        If one of the files is there already (without `force`), or can't be written.
    MissingExtraError
        If the sheet is wanted and matplotlib isn't installed.
    """
    folder = check_name(output)
    check_output(folder, force)
    write_text(folder / TABLE_FILE, _table(report), force, parents=True)
    if sheet:
        draw_sheet(report, folder / SHEET_FILE, force)
    write_json(folder / RECORD_FILE, _record(report), force)
    return folder


def check_output(folder: Path, force: bool) -> None:
    """Raise `OutputError` if any of the files is there and mustn't be replaced."""
    for name in (TABLE_FILE, RECORD_FILE, SHEET_FILE):
        check_free(Path(folder) / name, force)


def table_lines(report: StressReport) -> list[str]:
    """Return the table for people: what was compared with, and a line a distractor."""
    reference, unit = report.reference, report.scale
    target = report.target
    lines = [
        f"{report.classifier.name}, {target.name}: {report.score:.4g} {target.unit}".rstrip()
        + f" for {report.scan.name}",
        f"{reference.finding}: {_moved(reference.delta, unit)}; "
        f"as good as nothing: up to {reference.floor:.3g}",
    ]
    if not reference.seen:
        lines.append(
            f"It hardly reacts to a {reference.finding} here: reactions can't be compared with it."
        )
    width = max(len(verdict.kind) for verdict in report.verdicts)
    lines += [
        f"{verdict.level:<12} {verdict.kind:<{width}}  {verdict.text}"
        for verdict in report.verdicts
    ]
    unknown = [v.kind for v in report.verdicts if v.level == UNKNOWN]
    besides = f" ({UNKNOWN}: {', '.join(unknown)})" if unknown else ""
    return [*lines, f"In all: {report.level}{besides}. {DISCLAIMER}."]


def _moved(delta: float | None, unit: str) -> str:
    return "could not be planted" if delta is None else f"{delta:+.3g} {unit}".rstrip()


def _table(report: StressReport) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(trial) for trial in report.trials)
    return text.getvalue()


def _row(trial: Trial) -> dict[str, Any]:
    row = {name: getattr(trial, name) for name in COLUMNS}
    return row | {"ml": round(trial.ml, 3)}


def _record(report: StressReport) -> dict[str, Any]:
    reference = report.reference
    return {
        "schema": SCHEMA,
        "disclaimer": DISCLAIMER,
        "scan": {
            "name": report.scan.name,
            "path": report.scan.path,
            "sha256": report.scan.sha256,
            "warnings": [list(warning) for warning in report.scan.warnings],
        },
        "classifier": asdict(report.classifier),
        "target": asdict(report.target),
        "settings": asdict(report.settings),
        "score": report.score,
        "scale": report.scale,
        "reference": {**asdict(reference), "seen": reference.seen},
        "level": report.level,
        "verdicts": [asdict(verdict) for verdict in report.verdicts],
        "trials": [_row(trial) for trial in report.trials],
        "seconds": round(report.seconds, 1),
        "versions": dict(report.versions),
        "device": report.device,
    }
