"""A model's file as bytes: opened once, hashed as read, so that what is checked is what is used.

A file that is replaced between a check and its use, or a link that is turned elsewhere, then gains
nothing: nobody opens the path a second time.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from ...errors import ModelError
from ...storage.sizes import BYTES_PER_MB

DIGITS_SHOWN = 12
# Opening a pipe that nobody writes to would wait for ever; Windows has no such flag or pipes.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


def read_file(
    path: Path,
    sha256: str = "",
    whose: str = "its card",
    most: int | None = None,
    what: str = "model file",
) -> tuple[bytes, str]:
    """Return a file's bytes and their SHA-256.

    Parameters
    ----------
    path : Path
        What to read; a link is followed.
    sha256 : str
        What it must be; empty for anything.
    whose : str
        Who says so, for the message.
    most : int, optional
        Bytes that such a file has at most; a longer one isn't read.
    what : str
        How messages call it.

    Raises
    ------
    ModelError
        If it is missing, unreadable, no ordinary file, empty, too long or another one.
    """
    data, digest = read_buffer(path, sha256, whose, most, what)
    return bytes(data), digest


def read_text(path: Path, most: int) -> str:
    """Return a file's text in UTF-8, of at most `most` bytes; empty text for an empty file.

    Raises
    ------
    ModelError
        As `read_file`.
    UnicodeDecodeError
        If it isn't UTF-8.
    """
    return bytes(read_buffer(path, most=most, may_be_empty=True)[0]).decode("utf-8")


def read_buffer(
    path: Path,
    sha256: str = "",
    whose: str = "its card",
    most: int | None = None,
    what: str = "model file",
    may_be_empty: bool = False,
) -> tuple[bytearray, str]:
    """Return a file's bytes, writable, so that tensors may share them; see `read_file`."""
    try:
        with open(path, "rb", opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ModelError(f"The {what} {path} is no ordinary file; give one.")
            if most is not None and status.st_size > most:
                raise ModelError(
                    f"{path} has {status.st_size / BYTES_PER_MB:.1f} MB, such a file has at most "
                    f"{most / BYTES_PER_MB:.1f}; is it another one?"
                )
            data = bytearray(status.st_size)
            read = file.readinto(data)
            if read != len(data) or file.read(1):
                raise ModelError(f"The {what} {path} is being written; try again later.")
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        words = getattr(error, "strerror", None) or error
        raise ModelError(f"Cannot read the {what} {path}: {words}.") from error
    if not data and not may_be_empty:
        raise ModelError(
            f"The {what} {path} is damaged, cut short or of another kind: it is empty. Copy "
            f"it again."
        )
    found = hashlib.sha256(data).hexdigest()
    if sha256 and found != sha256.lower():
        raise ModelError(
            f"{path} has SHA-256 {found[:DIGITS_SHOWN]}... but {whose} says "
            f"{sha256[:DIGITS_SHOWN]}...: it is damaged or was replaced. If you changed it "
            f"yourself, put the new one into the card; else fetch it again."
        )
    return data, found


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_WAIT)
