"""Digests that were seen at a file's first use: from then on it must stay the same.

They are also the store's record of what it put into the folder: nothing else is ever removed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import ModelError
from ...storage.atomic import write_json
from ...storage.bounded import MOST_RECORD_BYTES
from ...storage.lock import locked
from ...storage.names import reason
from ...storage.objects import read_object
from ...wording import say

PINS = "pins.json"
LOCK = ".pins.lock"
# Another process holds the lock for milliseconds; a disk of a network may be slow.
WAIT_S = 60.0
# A file in the folder, or in one within it that holds what was made from the files.
_NAME = re.compile(r"(?:[a-z]+/)?[^/\\]*[^/\\.][^/\\]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def read_pins(folder: Path) -> dict[str, str]:
    """Return SHA-256 by file name; empty if nothing was pinned yet.

    Raises
    ------
    ModelError
        If the record is damaged: then it can't tell a replaced file, so nothing is trusted.
    """
    path = folder / PINS
    try:
        pins = read_object(path, MOST_RECORD_BYTES)
        if not all(
            _NAME.fullmatch(name) and isinstance(value, str) and _DIGEST.fullmatch(value)
            for name, value in pins.items()
        ):
            raise ValueError("expected names and digests")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise ModelError(
            f"The record of known model files {path} is damaged ({why}). Remove the cached "
            f"models and fetch them again: {say('remove_all_models')}."
        ) from error
    return pins


def update_pins(folder: Path, changes: Mapping[str, str | None]) -> None:
    """Add digests, or with None forget them; the others stay, also those of other processes.

    Raises
    ------
    OutputError
        If the record can't be written, or another process holds it for `WAIT_S`.
    ModelError
        If it is damaged.
    """
    with locked(folder / LOCK, f"The record of model files {folder / PINS}", WAIT_S):
        pins = {**read_pins(folder), **changes}
        kept = {name: digest for name, digest in sorted(pins.items()) if digest is not None}
        if kept:
            write_json(folder / PINS, kept)
        else:
            (folder / PINS).unlink(missing_ok=True)
