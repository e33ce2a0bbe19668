"""The user's list of scans and labels, read strictly.

    scan,patient,effusion,nodule
    a/one.nii.gz,p1,1,0
    a/two.nii.gz,p2,0,

`scan` is a file or a DICOM folder, relative to the list; `patient` may be left out if each scan is
another person's. Every other column is a label: 1, 0, or empty where it isn't known.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from ..errors import SettingsError
from ..storage.bounded import MOST_RECORD_BYTES, read_text
from ..storage.names import reason

SCAN, PATIENT = "scan", "patient"
_VALUES = {"1": True, "0": False, "": None}


@dataclass(frozen=True)
class Manifest:
    """Scans with labels.

    Parameters
    ----------
    scans : tuple of Path
        One a row.
    patients : tuple of str
        Whose each is.
    labels : mapping of str to tuple
        Label -> True, False or None for each row.
    """

    scans: tuple[Path, ...]
    patients: tuple[str, ...]
    labels: dict[str, tuple[bool | None, ...]]


def read_manifest(path: str | Path) -> Manifest:
    """Read a list of scans and labels.

    Raises
    ------
    SettingsError
        Naming the line and what is wrong: no such file, no label, a value that is none, a scan that
        is missing or listed twice.
    """
    path = Path(path)
    try:
        text = read_text(path, MOST_RECORD_BYTES)
    except OSError as error:
        raise SettingsError(f"The list {path} can't be read: {reason(error)}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"The list {path} is no text in UTF-8: save it as such.") from error
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    names = _label_names(path, rows)
    scans: list[Path] = []
    patients: list[str] = []
    labels: dict[str, list[bool | None]] = {name: [] for name in names}
    try:
        for row in rows:
            where = f"The list {path}, line {rows.line_num}"
            scans.append(_scan(path, row, where, scans))
            patients.append(_patient(row, where, rows.fieldnames or ()))
            for name in names:
                labels[name].append(_value(row, name, where))
    except csv.Error as error:
        raise SettingsError(f"The list {path} is no table of values: {error}.") from error
    if not scans:
        raise SettingsError(f"The list {path} has no line below its header: add scans.")
    return Manifest(
        tuple(scans), tuple(patients), {name: tuple(values) for name, values in labels.items()}
    )


def _label_names(path: Path, rows: csv.DictReader) -> list[str]:
    try:
        header = [name.strip() for name in rows.fieldnames or ()]
    except csv.Error as error:
        raise SettingsError(f"The list {path} is no table of values: {error}.") from error
    rows.fieldnames = header
    labels = [name for name in header if name not in (SCAN, PATIENT)]
    if SCAN not in header or not labels or "" in labels or len(set(header)) < len(header):
        raise SettingsError(
            f"The list {path} has the columns {', '.join(header) or 'none'}; expected are scan, "
            f"patient (may be left out), and one for each label, all of different names."
        )
    return labels


def _scan(path: Path, row: dict[str, str], where: str, before: list[Path]) -> Path:
    given = (row[SCAN] or "").strip()
    scan = path.parent / given
    if not given or not scan.exists():
        raise SettingsError(f"{where}: there is no scan {given!r}; paths are relative to the list.")
    if scan in before:
        raise SettingsError(f"{where}: {given} is listed twice; each scan has one line.")
    return scan


def _patient(row: dict[str, str], where: str, header: object) -> str:
    if PATIENT not in header:  # type: ignore[operator]
        return row[SCAN].strip()
    patient = (row[PATIENT] or "").strip()
    if not patient:
        raise SettingsError(
            f"{where}: it names no patient. Scans of one person must not be in training and test "
            f"at once: name them all, or leave the column out."
        )
    return patient


def _value(row: dict[str, str], name: str, where: str) -> bool | None:
    value = (row[name] or "").strip()
    if value not in _VALUES or None in row:
        raise SettingsError(
            f"{where}: {name} is {value!r}; expected 1, 0 or nothing, and as many values as there "
            f"are columns."
        )
    return _VALUES[value]
