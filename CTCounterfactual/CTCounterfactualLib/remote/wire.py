"""What goes over the wire: JSON lines, and files after the line that announces them.

Both directions speak the same way. A file is `{"step": "file", "name", "size"}`, its bytes, and
`{"step": "digest", "sha256"}`. Nothing that arrives is trusted: lines have a longest length, files
a budget, and names lead nowhere but into the folder that they are meant for.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import CTCounterfactualError, RemoteError
from ..storage.names import check_plain_name
from ..storage.objects import parse_json
from ..storage.sizes import in_words

# Of both sides; a change of what is said makes it grow.
PROTOCOL = 1
# The verb that answers on the host.
VERB = "remote-worker"
# This side says that it is alive so often; a host that hears nothing for so long ends its work.
HEARTBEAT_S, SILENCE_S = 10.0, 75.0
# A failure's details are the longest thing that is said.
MOST_LINE_BYTES = 1 << 20
BLOCK_BYTES = 1 << 18
# Folders in folders: a MONAI bundle has three.
_DEEPEST = 8

Tick = Callable[[int], None]


@dataclass
class Budget:
    """How much may still arrive."""

    bytes: int
    files: int

    def take(self, size: int) -> None:
        """Count a file; raise `RemoteError` if it is too much."""
        self.bytes -= size
        self.files -= 1
        if self.bytes < 0 or self.files < 0:
            raise RemoteError(
                f"What arrives is more than such a job can have ({in_words(size)} in one more "
                f"file). Nothing was kept."
            )


def put(stream: BinaryIO, step: str, **values: Any) -> None:
    """Send one message."""
    text = json.dumps({"step": step, **values}, allow_nan=False)  # ASCII, whatever the locale
    stream.write(text.encode("ascii") + b"\n")
    stream.flush()


def get(stream: BinaryIO) -> dict[str, Any] | None:
    """Return the next message; None where the other side has ended.

    Raises
    ------
    RemoteError
        If it isn't one.
    """
    line = stream.readline(MOST_LINE_BYTES)
    if not line.endswith(b"\n"):
        if len(line) < MOST_LINE_BYTES:
            return None  # ended, perhaps in the middle of a line
        raise _not_ours(line)
    values = parsed(line)
    if values is None:
        raise _not_ours(line)
    return values


def parsed(line: bytes) -> dict[str, Any] | None:
    """Return the message of a line; None if it is none."""
    try:
        values = parse_json(line.decode("utf-8"))
    except ValueError:
        return None
    return values if isinstance(values, dict) and isinstance(values.get("step"), str) else None


def send_file(stream: BinaryIO, path: Path, name: str, tick: Tick | None = None) -> None:
    """Send a file under a name; `tick` is told the bytes of each block that went."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size
        put(stream, "file", name=name, size=left)
        while left:
            block = file.read(min(BLOCK_BYTES, left))
            if not block:
                raise RemoteError(f"{path} became shorter while it was sent. Try again.")
            digest.update(block)
            stream.write(block)
            left -= len(block)
            if tick:
                tick(len(block))
    put(stream, "digest", sha256=digest.hexdigest())


def receive_file(
    stream: BinaryIO,
    head: dict[str, Any],
    folder: Path,
    budget: Budget,
    tick: Tick | None = None,
) -> Path:
    """Write the file that a message announced into a folder, and return its path.

    Raises
    ------
    RemoteError
        If its name leads elsewhere or is there already, it is too much, or it arrives damaged.
    EOFError
        If the other side ended meanwhile.
    OSError
        If it can't be written.
    """
    path = folder / relative_name(head.get("name"))
    size = head.get("size")
    if type(size) is not int or size < 0:
        raise RemoteError(f"The size of {path.name} is {size!r:.40}; a number is expected.")
    budget.take(size)
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while size:
            block = stream.read(min(BLOCK_BYTES, size))
            if not block:
                raise EOFError
            digest.update(block)
            file.write(block)
            size -= len(block)
            if tick:
                tick(len(block))
    told = get(stream)
    if told is None:
        raise EOFError
    if told.get("step") != "digest" or told.get("sha256") != digest.hexdigest():
        raise RemoteError(f"{path.name} arrived damaged: its SHA-256 is another. Try again.")
    return path


def relative_name(name: Any) -> str:
    """Return a name within a folder, with forward slashes, if that is what it is.

    Raises
    ------
    RemoteError
        If it leads out of the folder, is hidden, or no name at all.
    """
    parts = name.split("/") if isinstance(name, str) else []
    try:
        for part in parts:
            check_plain_name(part, "The name of a file", RemoteError)
    except CTCounterfactualError:
        parts = []
    if not 1 <= len(parts) <= _DEEPEST or any(part.startswith(".") for part in parts):
        raise RemoteError(f"The other side names a file {name!r:.80}, which isn't allowed.")
    return "/".join(parts)


def _not_ours(line: bytes) -> RemoteError:
    return RemoteError(
        f"What came over the connection isn't what this program says there: {line[:60]!r}. Nothing "
        f"was written."
    )
