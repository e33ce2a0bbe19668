"""`export.json`: what the DICOM files of an export are, and what is empty in them; schema 1.

schema               1
disclaimer           what this is not
content              file or folder -> what it is
series               UID of the input's series; empty for a scan that isn't DICOM
refers_to            which images segmentations and map refer to
empty                elements of patient and study without a value in all files
left_out             elements of the input whose values no DICOM file may hold
largest_rounding_hu  folder of CT images -> HU by which they differ at most from the result
files                list of the files
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import OutputError
from ...storage.bounded import MOST_RECORD_BYTES
from ...storage.objects import read_json
from ..earlier import stays_inside

RECORD = "export.json"
SCHEMA = 1
_KEYS = frozenset({"schema", "disclaimer", "content", "refers_to", "empty", "files"})


def own_files(folder: Path) -> list[str]:
    """Return the names, with forward slashes, of the files that an export's record lists.

    Raises
    ------
    OutputError
        If the folder holds no export of this program.
    """
    record: Any = None
    with suppress(OSError, ValueError):
        record = read_json(folder / RECORD, MOST_RECORD_BYTES)
    if not (
        isinstance(record, dict)
        and record.keys() >= _KEYS
        and isinstance(record["files"], list)
        and RECORD in record["files"]
        and all(isinstance(name, str) and stays_inside(name) for name in record["files"])
    ):
        raise OutputError(
            f"{folder} exists and is no DICOM export of this program; choose another folder."
        )
    return [str(PurePosixPath(name)) for name in record["files"]]
