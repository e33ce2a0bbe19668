"""A manifest's file as rows of cells: CSV by the standard library, Parquet by pyarrow."""

from __future__ import annotations

import csv
import io
from typing import Any

from ..errors import MissingExtraError, SettingsError
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.names import reason
from .locations import read_bytes

PARQUET = (".parquet", ".pq")
# What the header counts as: the first row of values is the second of the file.
_FIRST_ROW = 2

Rows = list[tuple[int, dict[Any, Any]]]


def read_table(path: str) -> tuple[list[str], Rows]:
    """Return the columns' names, and each row with its number as a spreadsheet counts (from 2).

    Raises
    ------
    SettingsError
        If the file can't be read, or is no such table.
    MissingExtraError
        For Parquet without pyarrow.
    """
    try:
        data = read_bytes(path, MOST_RECORD_BYTES)
    except OSError as error:
        raise SettingsError(f"The manifest {path} can't be read: {reason(error)}.") from error
    if path.lower().endswith(PARQUET):
        return _parquet(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"The manifest {path} is no text in UTF-8: save it as such.") from error
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        if not header:
            raise SettingsError(f"The manifest {path} is empty: its first row names the columns.")
        return header, list(enumerate(reader, _FIRST_ROW))
    except csv.Error as error:
        raise SettingsError(f"The manifest {path} is no table of values: {error}.") from error


def _parquet(path: str, data: bytes) -> tuple[list[str], Rows]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "cohort", "read a Parquet manifest") from error
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
    except (pyarrow.ArrowException, OSError) as error:
        said = " ".join(str(error).split())
        raise SettingsError(f"The manifest {path} is no Parquet file: {said}") from error
    return list(table.column_names), list(enumerate(table.to_pylist(), _FIRST_ROW))
