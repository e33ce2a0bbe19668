"""Write and read the tables of a cohort; what they hold is told in `rows`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ..errors import MissingExtraError, OutputError
from ..storage.atomic import whole_file, write_text
from ..storage.bounded import read_text
from ..storage.names import reason
from .rows import CASES, CHUNKS, SPREAD, CaseRow, ChunkRow

# Ten million chunks have a gigabyte or so.
MOST_TABLE_BYTES = 1 << 32
_KNOWN: dict[type, dict[str, Any]] = {}
Row = TypeVar("Row", CaseRow, ChunkRow)


def write_tables(folder: Path, cases: Sequence[CaseRow], chunks: Sequence[ChunkRow]) -> None:
    """Write both tables in both formats, each file whole or not at all.

    Raises
    ------
    OutputError
        If one can't be written.
    MissingExtraError
        Without pyarrow.
    """
    for name, kind, rows in ((CASES, CaseRow, cases), (CHUNKS, ChunkRow, chunks)):
        columns = columns_of(kind, rows)
        write_text(folder / f"{name}.csv", csv_text(columns, rows))
        _write_parquet(folder / f"{name}.parquet", columns, rows)


def read_cases(folder: str | Path) -> list[CaseRow]:
    """Read `cases.csv` of a cohort's folder, with the standard library alone.

    Raises
    ------
    OutputError
        If there is none, or it isn't one of ours.
    """
    return _read(Path(folder) / f"{CASES}.csv", CaseRow)


def read_chunks(folder: str | Path) -> list[ChunkRow]:
    """Read `chunks.csv` of a cohort's folder; see `read_cases`."""
    return _read(Path(folder) / f"{CHUNKS}.csv", ChunkRow)


def columns_of(kind: type, rows: Sequence[Any]) -> dict[str, type]:
    """Return the columns' names and types: str, int, float or bool."""
    hints = _hints(kind)
    found: dict[str, type] = {}
    for item in fields(kind):
        if item.name in SPREAD:
            value = hints[item.name].__args__[1]
            names = sorted({name for row in rows for name in getattr(row, item.name)})
            found |= {f"{item.name}.{name}": value for name in names}
        else:
            found[item.name] = _plain_type(hints[item.name])
    return found


def csv_text(columns: dict[str, type], rows: Sequence[Any]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(_value(row, name)) for name in columns])
    return text.getvalue()


def _value(row: Any, column: str) -> Any:
    spread, dot, name = column.partition(".")
    return getattr(row, spread).get(name) if dot else getattr(row, column)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return repr(float(value)) if isinstance(value, float) else str(value)


def _hints(kind: type) -> dict[str, Any]:
    """Return the types of a row's fields; asked for once, not for each of a million rows."""
    if kind not in _KNOWN:
        _KNOWN[kind] = get_type_hints(kind)
    return _KNOWN[kind]


def _plain_type(hint: Any) -> type:
    """Return float for `float | None`, and so on."""
    for kind in getattr(hint, "__args__", (hint,)):
        if kind is not type(None):
            return kind
    raise TypeError(hint)


def _write_parquet(path: Path, columns: dict[str, type], rows: Sequence[Any]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "cohort", f"write {path.name}") from error
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    table = pa.table(
        {
            name: pa.array([_value(row, name) for row in rows], kinds[kind])
            for name, kind in columns.items()
        }
    )
    with whole_file(path) as partial:
        parquet.write_table(table, partial)


def _read(path: Path, kind: type[Row]) -> list[Row]:
    try:
        text = read_text(path, MOST_TABLE_BYTES)
    except OSError as error:
        raise OutputError(
            f"{path.parent} is no finished cohort: {path.name} can't be read ({reason(error)})."
        ) from error
    try:
        rows = csv.DictReader(io.StringIO(text), strict=True)
        types = columns_of(kind, [])
        return [_row(kind, types, row) for row in rows]
    except (csv.Error, KeyError, ValueError, TypeError) as error:
        raise OutputError(f"{path} is no table of a cohort: {error}.") from error


def _row(kind: type[Row], types: dict[str, type], cells: dict[str, str]) -> Row:
    values: dict[str, Any] = {name: _parsed(cells[name], one) for name, one in types.items()}
    for spread in (name for name in SPREAD if name in kind.__dataclass_fields__):
        value = _hints(kind)[spread].__args__[1]
        values[spread] = {
            name.partition(".")[2]: value(cell)
            for name, cell in cells.items()
            if name.startswith(f"{spread}.") and cell != ""
        }
    return kind(**values)


def _parsed(cell: str, kind: type) -> Any:
    if kind is str:
        return cell
    if cell == "":
        return None
    return bool(int(cell)) if kind is bool else kind(cell)
