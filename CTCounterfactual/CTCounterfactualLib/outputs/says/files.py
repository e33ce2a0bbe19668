"""`what-this-says.txt` in the result folder, and what the tests of trust said there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...counterfactual.result import DISCLAIMER, Explanation
from ...methods.attribution import Attribution
from ...storage.atomic import write_text
from ...storage.objects import read_json
from .sentences import as_text, what_this_says

SAYS_FILE = "what-this-says.txt"
TRUST_FILE = "trust.json"
MOST_BYTES = 1 << 22


def write_says(
    folder: Path, result: Explanation | Attribution, tests: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write what a result says as plain text; raise `OutputError` if it can't be written."""
    text = as_text(what_this_says(result, tests))
    write_text(folder / SAYS_FILE, f"{DISCLAIMER}.\n\n{text}")


def tests_of(folder: Path) -> list[dict[str, Any]]:
    """Return what `trust.json` says of each test; nothing if none was run.

    Raises
    ------
    OutputError, ValueError
        If the file is there and can't be read.
    """
    path = folder / TRUST_FILE
    return read_json(path, MOST_BYTES)["tests"] if path.exists() else []
