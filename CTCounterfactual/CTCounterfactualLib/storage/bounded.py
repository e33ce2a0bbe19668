"""Small files that a user names (jobs, settings, records), read whole, but never without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from .sizes import BYTES_PER_MB

# A job or settings written out in full has a few kB.
MOST_SETTINGS_BYTES = 1 << 21
# The record of a result; one with thousands of searches has a few million.
MOST_RECORD_BYTES = 1 << 28


def read_bytes(path: Path, most: int, pipes: bool = False) -> bytes:
    """Return a file's bytes; read no more than are allowed, whatever size the file tells.

    Parameters
    ----------
    path : Path
        What to read.
    most : int
        Bytes that such a file has at most.
    pipes : bool
        Whether it may be a pipe or a device (`<(command)`, /dev/stdin), which one may wait for.

    Raises
    ------
    OSError
        If it can't be read, is longer, or is no file; its `strerror` says which.
    """
    mode = os.stat(path).st_mode
    if not (pipes or stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(
            errno.EFBIG,
            f"it has more than the {most / BYTES_PER_MB:.0f} MB that such a file has at most",
            str(path),
        )
    return data


def read_text(path: Path, most: int, pipes: bool = False) -> str:
    """Return a file's text; see `read_bytes`.

    Raises
    ------
    OSError
        As `read_bytes`.
    UnicodeDecodeError
        If it isn't UTF-8.
    """
    return read_bytes(path, most, pipes).decode("utf-8")
