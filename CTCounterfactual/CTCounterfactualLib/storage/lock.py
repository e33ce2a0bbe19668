"""A lock file: one holder at a time, named to whoever comes second, gone when its process is."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep

from ..errors import OutputError
from .names import reason

_RETRY_S = 0.05
_MOST_BYTES = 4096
# Windows' locks keep others from reading: this byte lies beyond the words about the holder.
_LOCKED_BYTE = 1 << 20
_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class LockHeld(OutputError):
    """Somebody else holds the lock; `holder` says who."""

    def __init__(self, message: str, holder: str):
        super().__init__(message)
        self.holder = holder


@dataclass(frozen=True)
class FileLock:
    """A lock that is held; `release` lets go of it and removes its file."""

    path: Path
    _descriptor: int

    def release(self) -> None:
        """Let go; the next one may take it from now on."""
        if os.name == "nt":  # removes no open file
            os.close(self._descriptor)
            with suppress(OSError):
                self.path.unlink()
        else:
            with suppress(OSError):
                self.path.unlink()
            os.close(self._descriptor)


@contextmanager
def locked(path: str | Path, what: str, wait_s: float = 0.0) -> Iterator[FileLock]:
    """Hold a lock file while the block runs; it goes at the end, and with its process.

    Parameters
    ----------
    path : str or Path
        The lock file; its folder exists.
    what : str
        What is held, to begin the message with: "The output folder /data/out".
    wait_s : float
        How long to wait for another holder.

    Raises
    ------
    LockHeld
        If another holds it that long; names process, computer and since when.
    OutputError
        If the file can't be made.
    """
    lock = take_lock(path, what, wait_s)
    try:
        yield lock
    finally:
        lock.release()


def take_lock(path: str | Path, what: str, wait_s: float = 0.0) -> FileLock:
    """Take a lock for longer than a block; see `locked`."""
    path = Path(path)
    until = monotonic() + wait_s
    while True:
        try:
            descriptor = _try(path)
        except OSError as error:
            raise OutputError(
                f"{what} can't be locked, as {path} can't be written: {reason(error)}."
            ) from error
        if descriptor is not None:
            return FileLock(path, descriptor)
        if monotonic() >= until:
            holder = read_holder(path)
            raise LockHeld(
                f"{what} is in use by {holder}. Wait until it has ended, or choose another.", holder
            )
        sleep(_RETRY_S)


def read_holder(path: Path) -> str:
    """Return who holds a lock, in words: process, computer, since when."""
    told = _told(path)
    if not told:
        return "another process"
    here = "" if told["host"] == socket.gethostname() else f" on {told['host']}"
    return f"process {told['pid']}{here} (since {told['since']})"


def _try(path: Path) -> int | None:
    """Return the descriptor of the locked file, or None if another holds it."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            if not _take(descriptor, path):
                os.close(descriptor)
                return None
            if _is_same(descriptor, path):
                _tell(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder has just removed it: what we locked is no longer there


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _take(descriptor: int, path: Path) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        return not _seems_alive(path)  # a file system without locks: what is written there counts
    return True


def _seems_alive(path: Path) -> bool:
    told = _told(path)
    if not told:
        return False
    if told["host"] != socket.gethostname():
        return True  # nobody here can tell
    if told["pid"] == os.getpid():
        return True
    try:
        os.kill(told["pid"], 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _tell(descriptor: int) -> None:
    about = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now().isoformat(sep=" ", timespec="seconds"),
    }
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(about).encode())


def _told(path: Path) -> dict | None:
    try:
        with path.open("rb") as file:
            about = json.loads(file.read(_MOST_BYTES))
        return {"pid": int(about["pid"]), "host": str(about["host"]), "since": str(about["since"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
