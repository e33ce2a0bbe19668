"""What is an earlier result of this program, and which files of a folder are that result's own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import OutputError
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_json

RECORD = "result.json"
# Keys that every record has had since the first version, and no other program's file has all of.
_KEYS = frozenset(
    {
        "schema",
        "disclaimer",
        "input",
        "prepared",
        "classifier",
        "target",
        "autoencoder",
        "settings",
        "scores",
        "chunks",
        "heat_levels",
        "flags",
        "versions",
        "files",
    }
)


def own_files(folder: Path) -> list[str]:
    """Return the names, with forward slashes, of the files that a result's record lists.

    Raises
    ------
    OutputError
        If the folder holds no result of this program.
    """
    path = folder / RECORD
    record: Any = None
    with suppress(OSError, ValueError):
        record = read_json(path, MOST_RECORD_BYTES)
    if not _is_ours(record):
        raise OutputError(
            f"{folder} exists and is no result of this program; choose another folder."
        )
    return [str(PurePosixPath(name)) for name in record["files"]]


def _is_ours(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and record.keys() >= _KEYS
        and isinstance(record["schema"], int)
        and isinstance(record["files"], list)
        and RECORD in record["files"]
        and all(isinstance(name, str) and stays_inside(name) for name in record["files"])
    )


def stays_inside(name: str) -> bool:
    """Tell whether a name of a file, with forward slashes, leads nowhere out of its folder."""
    parts = PurePosixPath(name).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and not set(name) & set("\\:\0")
