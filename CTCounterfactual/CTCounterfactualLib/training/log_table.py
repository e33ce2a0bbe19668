"""The table of losses: it grows by rows, and is cut where a training goes on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..storage.atomic import whole_file
from ..storage.names import printable, reason

SHOWN = 60  # characters of a strange table's first line
# How the table of any training begins.
FIRST_COLUMN = "step"


def append_row(path: Path, columns: Sequence[str], row: dict[str, Any]) -> None:
    """Add a row to a CSV table; a new table gets its header first.

    Raises
    ------
    OutputError
        If the file can't be written, or is a table of something else.
    """
    try:
        with path.open("a+", newline="", encoding="utf-8") as file:
            file.seek(0)
            header = file.readline().rstrip("\r\n")
            writer = csv.DictWriter(file, columns)
            if not header:
                writer.writeheader()
            elif header != ",".join(columns):
                raise OutputError(
                    f"{path} is there already and no table of such a training: it begins with "
                    f"{printable(header[:SHOWN])}. Move it away, or choose another folder."
                )
            writer.writerow(row)
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(
            f"Cannot write {path}: {reason(error)}. Free some space, or choose another folder."
        ) from error


def cut_rows(path: Path, columns: Sequence[str], last: int) -> None:
    """Keep the rows up to a step, in today's columns: later ones are about to be made again.

    A table that is there but isn't of a training is left alone, for `append_row` to refuse.

    Raises
    ------
    OutputError
        If it can't be read or written.
    """
    if not path.exists():
        return
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            if not names or names[0] != FIRST_COLUMN:
                return
            rows = [row for row in reader if _step(row) <= last]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OutputError(
            f"Cannot read {path}: {printable(str(error))}. Move it away, or choose another folder."
        ) from error
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _step(row: dict[str, Any]) -> float:
    """Return the step of a row; one that a kill has cut short is no row."""
    try:
        return int(row[FIRST_COLUMN])
    except (TypeError, ValueError):
        return float("inf")
