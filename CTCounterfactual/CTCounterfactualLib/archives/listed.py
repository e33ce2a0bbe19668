"""What an archive is turned into: the rows of a manifest, and what was left out, with why."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ScanError
from ..events import CancelToken
from ..storage.atomic import check_free, write_text
from ..storage.names import check_name

# In a manifest's order; those that no row fills are left out, but for the first three.
COLUMNS = ("id", "path", "label", "series", "target", "region", "mask", "clean", "group")
ALWAYS = 3
LEFT_OUT_ENDING = "-left-out.csv"
# Said of one reason at most.
NAMED = 3


@dataclass(frozen=True)
class Row:
    """One scan of a manifest.

    Parameters
    ----------
    id : str
        Its name within the cohort.
    path : Path
        File, or the folder of its DICOM files.
    label : float
        1 with the finding, 0 without.
    series : str
        UID of the DICOM series; empty for files.
    group : str
        The patient.
    mask : Path, optional
        Where the finding is.
    """

    id: str
    path: Path
    label: float
    series: str = ""
    group: str = ""
    mask: Path | None = None


@dataclass(frozen=True)
class LeftOut:
    """What is in the archive and not in the manifest."""

    id: str
    why: str


@dataclass
class Listed:
    """What was found in an archive.

    Parameters
    ----------
    rows : list of Row
        The cohort.
    left_out : list of LeftOut
        Everything else that looked like a scan or a label, with the reason.
    remarks : list of str
        What the user should know of all of it, each a sentence.
    """

    rows: list[Row] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def leave(self, id: str, why: str) -> None:
        """Note what is left out."""
        self.left_out.append(LeftOut(id, why))


@dataclass(frozen=True)
class Option:
    """A choice that an archive offers: `--name VALUE`."""

    name: str
    help: str
    default: str | int


@dataclass(frozen=True)
class Archive:
    """A public collection: how it is laid out, and who reads it.

    Parameters
    ----------
    name, title : str
        As the command line calls it, and as its authors do.
    layout : str
        What must lie below the folder, for help and errors.
    options : tuple of Option
        What can be chosen.
    read : callable
        (folder, options by name, folder for masks that must be made, cancel) -> Listed.
    """

    name: str
    title: str
    layout: str
    options: tuple[Option, ...]
    read: Callable[[Path, Mapping[str, Any], Path, CancelToken], Listed]


def write_manifest(listed: Listed, path: str | Path, force: bool = False) -> tuple[Path, Path]:
    """Write the manifest, and beside it `NAME-left-out.csv`; return both paths.

    Paths are relative to the manifest's folder, so that the whole tree can be moved.

    Raises
    ------
    ScanError
        If there is no row: nothing is written then.
    OutputError
        If a file exists (without `force`) or can't be written.
    """
    path = check_name(path)
    beside = path.with_name(path.stem + LEFT_OUT_ENDING)
    if not listed.rows:
        raise ScanError(f"No scan of the archive can be used: {reasons(listed) or 'it is empty'}.")
    for target in (path, beside):
        check_free(target, force)
    rows = [_cells(row, path.absolute().parent) for row in listed.rows]
    used = [
        name
        for number, name in enumerate(COLUMNS)
        if number < ALWAYS or any(row[name] for row in rows)
    ]
    gone = [{"id": one.id, "why": one.why} for one in listed.left_out]
    write_text(path, _csv(rows, used), force, parents=True)
    write_text(beside, _csv(gone, ["id", "why"]), force)
    return path, beside


def reasons(listed: Listed) -> str:
    """Return why scans were left out, most frequent first: "3 are no CT; 1 has no label"."""
    counted = Counter(one.why for one in listed.left_out)
    told = [f"{why} ({number})" for why, number in counted.most_common(NAMED)]
    more = len(counted) - len(told)
    return "; ".join([*told, f"{more} reasons more"] if more > 0 else told)


def _cells(row: Row, folder: Path) -> dict[str, str]:
    cells = dict.fromkeys(COLUMNS, "")
    return cells | {
        "id": row.id,
        "path": _relative(row.path, folder),
        "label": f"{row.label:g}",
        "series": row.series,
        "mask": "" if row.mask is None else _relative(row.mask, folder),
        "group": row.group,
    }


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.absolute(), folder)).as_posix()
    except ValueError:  # another drive of Windows
        return path.absolute().as_posix()


def _csv(rows: list[dict[str, str]], columns: list[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
