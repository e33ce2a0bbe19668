"""The list of a cohort's cases, read strictly: all that is wrong in it is said at once, by row.

CSV (UTF-8) or Parquet, one row a case; paths are relative to its folder, or absolute, or URLs:

    path     CT file or DICOM folder
    label    1 or 0, or a value (greater than 0: the finding is there), perhaps with a unit: 350 mL
    series   which DICOM series of the folder
    target   which of the classifier's targets; empty: the run's
    region   mask outside which nothing changes; empty: the run's
    mask     where the finding is, to measure localisation
    clean    the scan without the finding: the true counterfactual
    group    whose scan it is: several scans of one patient are one draw; empty: each its own
    id       the case's name and that of its folder; empty: made of the path

`path` and `label` are needed. Another column is refused: a misspelt one would go unread.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import CTCounterfactualError, SettingsError
from ..storage.names import check_plain_name
from .locations import exists, folder_of, join
from .manifest_file import read_table

NEEDED = ("path", "label")
# Columns that hold paths of images beside the scan's own.
_FILES = ("region", "mask", "clean")
# Rows whose faults a message lists; the error's `data` has all.
MOST_LISTED = 20
_LABEL = re.compile(r"(?P<number>[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)\s*(?P<unit>\D*)")
_UNFIT = re.compile(r"[^\w.+=@-]+")
_SUFFIX = re.compile(r"(\.(nii|nrrd|nhdr|mha|mhd|dcm|hdr|img|gz))+$", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """One scan of a cohort; the order of the fields is that of the columns.

    Parameters
    ----------
    path : str
        CT file or DICOM folder: absolute, or a URL.
    series : str
        Which series of the folder; empty: the only one.
    label : float
        1 or 0, or a value.
    target : str
        Of the classifier; empty: the run's.
    region, mask, clean : str
        Absolute paths or URLs, empty where there are none.
    group : str
        Patient; never empty.
    id : str
        Unique, and a plain name.
    """

    path: str
    series: str
    label: float
    target: str
    region: str
    mask: str
    clean: str
    group: str
    id: str

    @property
    def positive(self) -> bool:
        """Whether the finding is there, by the label."""
        return self.label > 0


COLUMNS = tuple(field.name for field in fields(Case))


def read_manifest(path: str, check: Callable[[], None] = lambda: None) -> tuple[Case, ...]:
    """Read a cohort's manifest.

    Parameters
    ----------
    path : str
        CSV or Parquet, a path or a URL.
    check : callable
        Called now and then; raises to stop.

    Raises
    ------
    SettingsError
        Naming each row and what is wrong with it: no such file, no number, labels of unlike units,
        an id that is there twice; or that the file can't be read, lacks a column or is empty.
        `data["faults"]` lists all of them.
    MissingExtraError
        For Parquet without pyarrow, and for URLs without fsspec.
    """
    header, rows = read_table(path)
    _check_header(path, header)
    if not rows:
        raise SettingsError(f"The manifest {path} has no row below its header: add cases.")
    base = folder_of(path)
    cases: list[Case] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    unit: tuple[str, int] | None = None
    for number, row in rows:
        check()
        wrong: list[str] = []
        case, own_unit = _case(base, row, wrong)
        if own_unit and unit is None:
            unit = own_unit, number
        elif own_unit and unit and own_unit != unit[0]:
            wrong.append(f"label is in {own_unit}, that of row {unit[1]} in {unit[0]}")
        if case is not None:
            first = seen.setdefault(case.id.casefold(), number)
            if first != number:
                wrong.append(f"id {case.id!r} is that of row {first} too")
            cases.append(case)
        faults += [f"row {number}: {fault}" for fault in wrong]
    if faults:
        raise _faulty(path, faults)
    return tuple(cases)


def _faulty(path: str, faults: list[str]) -> SettingsError:
    more = len(faults) - MOST_LISTED
    listed = "; ".join(faults[:MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")
    error = SettingsError(f"The manifest {path} has {len(faults)} fault(s): {listed}.")
    error.data = {"faults": faults}
    return error


def _check_header(path: str, header: list[str]) -> None:
    lacking = [name for name in NEEDED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    twice = sorted({name for name in header if header.count(name) > 1})
    said = [
        f"{what} {', '.join(repr(name) for name in names)}"
        for what, names in (("lacks", lacking), ("has unknown", unknown), ("has twice", twice))
        if names
    ]
    if said:
        raise SettingsError(
            f"The manifest {path} {' and '.join(said)}; its columns are {', '.join(COLUMNS)}, of "
            f"which {' and '.join(NEEDED)} are needed."
        )


def _case(base: str, row: Mapping[str, Any], wrong: list[str]) -> tuple[Case | None, str]:
    """Return a row's case and its label's unit; add to `wrong` what is wrong with it."""
    values = {name: _text(row.get(name)) for name in COLUMNS}
    if None in row:
        wrong.append("it has more values than there are columns")
    label, unit = _label(values["label"], wrong)
    given = values["path"]
    if not given:
        wrong.append("it has no path")
        return None, unit
    paths = {name: join(base, values[name]) if values[name] else "" for name in _FILES}
    paths["path"] = join(base, given)
    wrong += [
        f"{name} {values[name]!r} isn't there"
        for name, location in paths.items()
        if location and not exists(location)
    ]
    name = values["id"] or _made_id(given, values["series"])
    try:
        check_plain_name(name, "id", SettingsError)
    except CTCounterfactualError as error:
        wrong.append(error.text.rstrip("."))
        return None, unit
    return Case(
        series=values["series"],
        label=label,
        target=values["target"],
        group=values["group"] or name,
        id=name,
        **paths,
    ), unit


def _text(value: Any) -> str:
    """Return a cell as text; numbers of Parquet lose their needless `.0`."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _label(text: str, wrong: list[str]) -> tuple[float, str]:
    found = _LABEL.fullmatch(text)
    number = float(found["number"]) if found else math.nan
    if not math.isfinite(number):
        wrong.append(f"label is {text!r}, and 1, 0 or a number is expected")
        return 0.0, ""
    return number, found["unit"].strip() if found else ""


def _made_id(path: str, series: str) -> str:
    """Return a name made of a path and a series: letters, digits and dashes."""
    trimmed = _SUFFIX.sub("", path.split("://")[-1].strip("/"))
    parts = [part for part in re.split(r"[/\\]+", trimmed) if part not in ("", ".", "..")]
    return _UNFIT.sub("-", "-".join([*parts, series] if series else parts)).strip("-.")
