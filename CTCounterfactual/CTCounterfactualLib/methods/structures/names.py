"""Names of a label map's values: from the file itself, from a table beside it, or a known one."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from pathlib import Path

import SimpleITK as sitk

from ...errors import SettingsError
from ...scans.files import read_unpacked
from ...scans.read import base_name
from ...storage.bounded import MOST_SETTINGS_BYTES, read_bytes
from .totalsegmentator import TOTAL

# What may be named in place of a table's file.
TOTALSEGMENTATOR = "totalsegmentator"
SUFFIXES = (".csv", ".json")
# Where a NIfTI-1 header says at which byte the voxels begin; what lies between is an extension.
_VOXELS_AT, _LEAST_NIFTI = 108, 352
# An extension of names is small; what is longer is something else.
_MOST_EXTENSION = 1 << 20
_LABEL = re.compile(rb'<Label\s+Key="(\d+)"[^>]*>\s*(?:<!\[CDATA\[)?([^<\]]+)')


def names_of_labels(path: Path, given: str | None = None) -> dict[int, str]:
    """Return label -> name of a label map's file; empty if nothing names them.

    Parameters
    ----------
    given : str, optional
        `totalsegmentator`, or a table's file: CSV with columns label and name, or a JSON object of
        labels and names, either way round. Default: a table of the label map's name beside it, else
        what its NIfTI header holds.

    Raises
    ------
    SettingsError
        If a table can't be read, or names no label.
    """
    if given == TOTALSEGMENTATOR:
        return dict(TOTAL)
    if given is not None:
        return read_names(Path(given))
    for suffix in SUFFIXES:
        beside = path.with_name(base_name(path) + suffix)
        if beside.is_file():
            return read_names(beside)
    return names_in_nifti(path)


def read_names(path: Path) -> dict[int, str]:
    """Read a table of names, CSV or JSON; see `names_of_labels`."""
    try:
        text = read_bytes(path, MOST_SETTINGS_BYTES).decode("utf-8-sig")
        names = _of_json(text) if path.suffix.lower() == ".json" else _of_csv(text)
    except OSError as error:
        raise SettingsError(f"Cannot read the names in {path}: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(
            f"The names in {path} can't be read ({error}). Give a CSV with a label and a name a "
            f"row, or a JSON object of labels and names."
        ) from error
    if not names:
        raise SettingsError(
            f"The table {path} names no label. Give a CSV with a label and a name a row, or a JSON "
            f"object of labels and names."
        )
    return names


def names_in_nifti(path: Path) -> dict[int, str]:
    """Return the names in a NIfTI header's extension, as TotalSegmentator writes it; else none."""
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return {}
    start = read_unpacked(path, _LEAST_NIFTI + _MOST_EXTENSION)
    if len(start) < _LEAST_NIFTI:
        return {}
    order = "<" if start[0] else ">"  # the first number is 348
    (voxels_at,) = struct.unpack_from(f"{order}f", start, _VOXELS_AT)
    extension = start[_LEAST_NIFTI : max(_LEAST_NIFTI, int(voxels_at))]
    return {
        int(label): name.decode("utf-8", "replace").strip()
        for label, name in _LABEL.findall(extension)
    }


def segments_in_header(fields: dict[str, str]) -> list[tuple[int, int, str]]:
    """Return (layer, label, name) of each segment that a Slicer segmentation's header lists."""
    found = []
    for number in range(len(fields)):
        stem = f"Segment{number}_"
        if f"{stem}ID" not in fields and f"{stem}Name" not in fields:
            break
        label = int(fields.get(f"{stem}LabelValue", number + 1))
        layer = int(fields.get(f"{stem}Layer", 0))
        found.append((layer, label, fields.get(f"{stem}Name") or fields[f"{stem}ID"]))
    return found


def header_of(reader: sitk.ImageFileReader) -> dict[str, str]:
    """Return the fields of an image's header."""
    return {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}


def _of_json(text: str) -> dict[int, str]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("it is no object")
    names = {}
    for key, value in values.items():
        label, name = (key, value) if str(key).strip().isdigit() else (value, key)
        if not str(label).strip().isdigit():
            raise ValueError(f"neither {key!r} nor {value!r} is a label")
        names[int(label)] = str(name)
    return names


def _of_csv(text: str) -> dict[int, str]:
    names = {}
    separator = ";" if text.count(";") > text.count(",") else "\t" if "\t" in text else ","
    for row in csv.reader(io.StringIO(text), delimiter=separator):
        cells = [cell.strip() for cell in row]
        if len(cells) >= 2 and cells[0].isdigit():  # the first row may be a header
            names[int(cells[0])] = cells[1]
    return names
