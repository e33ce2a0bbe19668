"""Digests that were seen at a file's first use: from then on it must stay the same."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from ...errors import ModelError
from ...wording import say

PINS = "pins.json"


def read_pins(folder: Path) -> dict[str, str]:
    """Return SHA-256 by file name; empty if nothing was pinned yet.

    Raises
    ------
    ModelError
        If the record is damaged: then it can't tell a replaced file, so nothing is trusted.
    """
    path = folder / PINS
    if not path.is_file():
        return {}
    try:
        pins = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(v, str) for pair in pins.items() for v in pair):
            raise ValueError("expected names and digests")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(
            f"The record of known model files {path} is damaged ({error}). Remove the cached "
            f"models and fetch them again: {say('remove_all_models')}."
        ) from error
    return pins


def write_pins(folder: Path, pins: dict[str, str]) -> None:
    """Replace the record, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{PINS}-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(dict(sorted(pins.items())), file, indent=2)
        os.replace(temporary, folder / PINS)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
