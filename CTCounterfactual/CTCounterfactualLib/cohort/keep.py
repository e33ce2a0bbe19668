"""What is written of a case's result: all of it, its pictures and tables, or its record alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..counterfactual.result import Explanation
from ..methods.attribution import Attribution
from ..outputs.attribution_figure import write_attribution_figure
from ..outputs.attribution_files import cleaned_attribution
from ..outputs.attribution_record import attribution_record
from ..outputs.earlier import RECORD
from ..outputs.figure import write_figure
from ..outputs.folder import REPORT, write_any_report, write_result
from ..outputs.reading import read_record
from ..outputs.record import result_record
from ..outputs.tables import write_chunk_table
from ..outputs.texts import cleaned
from ..storage.atomic import write_json, write_text
from ..storage.moving import files_in
from .cohort_settings import ALL, FIGURES, CohortSettings

# By the ends of their names: pictures, pages, tables and records are small, volumes aren't.
_SMALL = (".png", ".html", ".csv", ".json")


def write_kept(
    made: Explanation | Attribution, folder: Path, wanted: CohortSettings, whole: bool
) -> None:
    """Write a result into a folder that isn't there yet: as much as is wanted, or the whole."""
    if whole:
        write_result(made, folder, scene=wanted.scene, report=wanted.report)
        return
    folder.mkdir(parents=True)
    made = cleaned(made) if isinstance(made, Explanation) else cleaned_attribution(made)
    if wanted.keep == FIGURES:
        if isinstance(made, Explanation):
            write_figure(made, folder / "figure.png")
            write_chunk_table(made, folder / "chunks.csv")
        else:
            write_attribution_figure(made, folder / "figure.png")
        if wanted.report:
            write_any_report(made, folder / REPORT)
    files = [*files_in(folder), RECORD]
    record = (
        result_record(made, files)
        if isinstance(made, Explanation)
        else attribution_record(made, files)
    )
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / RECORD, text + "\n")


def drop_the_rest(folder: Path, keep: str) -> None:
    """Remove from a whole result what isn't to be kept of it; its record lists what is left."""
    if keep == ALL:
        return
    for name in files_in(folder):
        small = name.endswith(_SMALL)
        if name != RECORD and not (keep == FIGURES and small):
            (folder / name).unlink()
    for inside in [path for path in folder.iterdir() if path.is_dir()]:
        if not files_in(inside):
            shutil.rmtree(inside)
    record = read_record(folder)
    record["files"] = [*sorted(set(files_in(folder)) - {RECORD}), RECORD]
    write_json(folder / RECORD, record)
