"""How a bench lies on the disk: `cases.csv` and a folder of volumes a case.

    cases.csv       one row a case; see `COLUMNS`; paths are relative to the bench, with forward
                    slashes
    CASE/scan.nrrd  the scan with the finding, HU
    CASE/clean.nrrd the scan without it: the true counterfactual, HU
    CASE/mask.nrrd  the finding, not 0 inside
    CASE/lungs.nrrd the lungs, not 0 inside

All on the scan's own grid. `other` and `other_mask` name a second finding that is planted too, in
the scan and in the clean one, and is to be left alone; they are empty in most cases. Of the finding
`expiration` the clean scan is one with smaller lungs, and the mask is where the lungs differ.
"""

from __future__ import annotations

import csv
import fnmatch
import io
import math
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

from ..errors import ScanError, SettingsError
from ..storage.atomic import write_text
from ..storage.bounded import MOST_RECORD_BYTES, read_text
from ..storage.names import check_name, check_plain_name

CASES_FILE = "cases.csv"
EXPIRATION = "expiration"


@dataclass(frozen=True)
class BenchCase:
    """One row of `cases.csv`; the order of the fields is that of the columns.

    Parameters
    ----------
    case : str
        Its name: a plain one, and that of its folder among the results.
    scan, clean, mask : Path
        The volumes; see the module's text.
    finding : str
        What was planted and is to be explained.
    ml : float
        Its volume, mL.
    place : str
        Where it lies, in words.
    seed : int
        It was drawn with.
    lungs : Path or None
        Mask of the lungs.
    other : str
        The finding that is planted too and is to be left alone; empty: none.
    other_mask : Path or None
        Where that one is.
    """

    case: str
    scan: Path
    clean: Path
    mask: Path
    finding: str
    ml: float
    place: str
    seed: int
    lungs: Path | None = None
    other: str = ""
    other_mask: Path | None = None


COLUMNS = tuple(field.name for field in fields(BenchCase))
_FILES = ("scan", "clean", "mask", "lungs", "other_mask")
_MAY_LACK = ("lungs", "other_mask")


def read_cases(folder: str | Path) -> tuple[BenchCase, ...]:
    """Read the list of a bench's cases; the volumes are read case by case, later.

    Raises
    ------
    ScanError
        If there is no `cases.csv`, it lacks a column, or a row names no case, holds no number or
        leads out of the bench; says which row.
    """
    folder = check_name(folder, ScanError)
    path = folder / CASES_FILE
    try:
        text = read_text(path, MOST_RECORD_BYTES)
    except OSError as error:
        raise ScanError(
            f"{folder} is no bench: {path} can't be read ({error.strerror}). Make one "
            f"first (bench make)."
        ) from error
    except UnicodeDecodeError as error:
        raise ScanError(f"{path} is no text in UTF-8: save it as such.") from error
    rows = csv.DictReader(io.StringIO(text), strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise ScanError(
                f"{path} has no column {', '.join(missing)}; expected are {','.join(COLUMNS)}."
            )
        cases = tuple(_case(folder, row, f"{path}, line {rows.line_num}") for row in rows)
    except csv.Error as error:
        raise ScanError(f"{path} is no table of comma-separated values: {error}.") from error
    names = [case.case for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ScanError(f"{path} has the case {twice[0]} more than once; give it another name.")
    if not cases:
        raise ScanError(f"{path} lists no case.")
    return cases


def write_cases(folder: Path, cases: tuple[BenchCase, ...]) -> None:
    """Write a bench's `cases.csv`, whole or not at all; the files must lie within the folder."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for case in cases:
        values = {name: getattr(case, name) for name in COLUMNS}
        for name in _FILES:
            if values[name] is not None:
                values[name] = values[name].relative_to(folder).as_posix()
        rows.writerow("" if value is None else value for value in values.values())
    write_text(folder / CASES_FILE, text.getvalue())


def chosen(cases: tuple[BenchCase, ...], only: tuple[str, ...]) -> tuple[BenchCase, ...]:
    """Return the cases whose name or finding matches one of the patterns; all without a pattern.

    Raises
    ------
    SettingsError
        If none does.
    """
    if not only:
        return cases
    found = tuple(
        case
        for case in cases
        if any(fnmatch.fnmatchcase(name, one) for one in only for name in (case.case, case.finding))
    )
    if not found:
        raise SettingsError(
            f"No case or finding of the bench is called {' or '.join(only)}; there are "
            f"{', '.join(sorted({case.finding for case in cases}))}."
        )
    return found


def _case(folder: Path, row: dict[str, str | None], where: str) -> BenchCase:
    values = {name: (row[name] or "").strip() for name in COLUMNS}
    check_plain_name(values["case"], f"{where}: the case", ScanError)
    if not values["finding"]:
        raise ScanError(f"{where}: it names no finding.")
    paths = {name: _path(folder, values[name], name, where) for name in _FILES}
    return BenchCase(
        case=values["case"],
        finding=values["finding"],
        place=values["place"],
        other=values["other"],
        ml=_number(values["ml"], "ml", where),
        seed=int(_number(values["seed"], "seed", where)),
        **paths,  # type: ignore[arg-type]
    )


def _path(folder: Path, value: str, name: str, where: str) -> Path | None:
    if not value and name in _MAY_LACK:
        return None
    parts = PurePosixPath(value).parts
    if not value or value.startswith("/") or ".." in parts or "\\" in value:
        raise ScanError(
            f"{where}: {name} is {value!r}; expected is a path within the bench, with forward "
            f"slashes."
        )
    return folder.joinpath(*parts)


def _number(value: str, name: str, where: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ScanError(f"{where}: {name} is {value!r}; expected is a number.")
    return number
