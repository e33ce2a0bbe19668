"""A result that comes back: received into the folder that was claimed for it, looked at, named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import OutputError, RemoteError
from ..outputs.earlier import RECORD, own_files
from ..storage.atomic import write_text
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.moving import files_in
from ..storage.objects import read_object
from ..storage.sizes import in_words
from .link import Link
from .wire import Budget, receive_file

# Of a result's files per voxel of the scan, uncompressed (see `outputs.folder`): no honest host is
# above it. The floor is for figures and reports, and for chests that are generated there.
MOST_BYTES_PER_VOXEL = 64
FLOOR_BYTES = 1 << 30
MOST_FILES = 20_000
# Key of the record: the host's name, where another computer than the user's own did the work.
HOST_KEY = "host"


def budget_for(voxels: int) -> Budget:
    """Return how much may come back for a scan of so many voxels."""
    return Budget(FLOOR_BYTES + MOST_BYTES_PER_VOXEL * voxels, MOST_FILES)


def receive_result(
    link: Link,
    head: Mapping[str, Any],
    folder: Path,
    budget: Budget,
    told: Callable[[float, str], None],
) -> None:
    """Write all files of a result into an empty folder.

    Parameters
    ----------
    head : mapping
        The message that announced them.
    told : callable
        Gets the share that is here, 0..1, and how much that is, in words.

    Raises
    ------
    RemoteError
        If something is damaged, too much, or no result; or the connection is lost.
    OutputError
        If there is no room here.
    """
    size = head.get("bytes")
    if type(size) is not int or not 0 < size <= budget.bytes:
        raise RemoteError(f"{link.host.name} announces a result of {size!r:.40} bytes.")
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OutputError(
            f"Too little space in {folder.parent.parent}: {in_words(free)} are free, the result "
            f"has {in_words(size)}. Free some, or choose another folder."
        )
    got = 0

    def tick(count: int) -> None:
        nonlocal got
        got += count
        told(min(1.0, got / size), f"{in_words(got)} of {in_words(size)}")

    while (message := link.next())["step"] == "file":
        try:
            receive_file(link.stream, message, folder, budget, tick)
        except EOFError:
            raise link.lost() from None
    if message["step"] != "whole":
        raise RemoteError(f"{link.host.name} broke off its result. Nothing was written.")
    _check_whole(folder, link.host.name)


def name_as_here(folder: Path, words: Mapping[str, str], host: str) -> dict[str, Any]:
    """Put into a result's record the paths of this computer, and where it was computed.

    Returns
    -------
    dict
        The record.
    """
    path = folder / RECORD
    record = _renamed(read_object(path, MOST_RECORD_BYTES), words)
    record[HOST_KEY] = host
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return record


def _check_whole(folder: Path, host: str) -> None:
    try:
        listed = sorted(own_files(folder))
    except OutputError:
        listed = []
    if listed != files_in(folder):
        raise RemoteError(
            f"What came from {host} is no whole result: its record lists other files. Nothing was "
            f"written."
        )


def _renamed(values: Any, words: Mapping[str, str]) -> Any:
    if isinstance(values, dict):
        return {name: _renamed(value, words) for name, value in values.items()}
    if isinstance(values, list):
        return [_renamed(value, words) for value in values]
    return words.get(values, values) if isinstance(values, str) else values
