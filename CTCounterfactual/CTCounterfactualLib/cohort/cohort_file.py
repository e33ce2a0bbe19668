"""`cohort.json`: what a cohort was asked for and with what; its folder is known by it.

Schema 1.

    schema      1
    disclaimer  what this is not
    run         name of the last run
    state       running, finished, or stopped (the same command goes on)
    manifest    {path, cases}
    settings    all of `CohortSettings`
    classifier, autoencoder    {name, sha256, description}; the autoencoder's null if none is used
    versions    of this package, Python and libraries
    workers     {scheduler, threads}
    done, failed    numbers of cases
    seconds     of the last run
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.names import reason
from ..storage.objects import read_object
from .output import FolderOutput, Output
from .rows import COHORT

SCHEMA = 1
RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"


def check_output(output: Output) -> None:
    """Raise `OutputError` if a folder holds anything but an earlier run of a cohort."""
    if not isinstance(output, FolderOutput):
        return
    path = output.path
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} exists and is no folder; choose another name for the output.")
    held = [one.name for one in path.iterdir()] if path.is_dir() else []
    if held and COHORT not in held and any(not name.startswith(".") for name in held):
        raise OutputError(f"{path} holds something, and no cohort: choose another folder.")


def read_cohort(folder: str | Path) -> dict[str, Any]:
    """Read a cohort's `cohort.json`.

    Raises
    ------
    OutputError
        If there is none, or it is damaged.
    """
    path = Path(folder) / COHORT
    try:
        values = read_object(path, MOST_RECORD_BYTES)
        if values["schema"] != SCHEMA:
            raise ValueError(f"its schema is {values['schema']!r}, and this version reads {SCHEMA}")
        return values
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(
            f"{folder} is no cohort: {COHORT} can't be read ({reason(error)})."
        ) from (error)
