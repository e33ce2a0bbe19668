"""A local file in place of a download: opened once, copied, and hashed as it is read."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from ...errors import ModelError
from ...storage.hashing import HASH_BLOCK_BYTES
from ...storage.names import check_name, reason
from .download import Check, check_space
from .remote import RemoteFile


def copy_local(file: RemoteFile, source: Path, target: Path, check: Check) -> str:
    """Copy a file and return the SHA-256 of what was copied; nothing of `target` stays on failure.

    Parameters
    ----------
    file : RemoteFile
        Which file it is to be; nothing larger is copied.
    source : Path
        An ordinary file: a link could lead elsewhere by the time it is used, a pipe never ends.
    target : Path
        Of the copy; replaced.
    check : callable
        Called between blocks; may raise to stop.

    Raises
    ------
    ModelError
        If it isn't there, is no ordinary file, can't be read or copied, or is too large or small.
    """
    check_name(source, ModelError)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        mode = os.lstat(source).st_mode
        if not stat.S_ISREG(mode):
            raise ModelError(f"{source} is {_what(mode)}; give an ordinary file.")
        # Should it have become a pipe since, opening it must not wait for a writer.
        descriptor = os.open(source, flags | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise ModelError(f"There is no file {source}.") from None
    except OSError as error:
        raise ModelError(f"Cannot read {source}: {reason(error)}.") from error
    with os.fdopen(descriptor, "rb") as read:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"{source} is {_what(status.st_mode)}; give an ordinary file.")
        file.check_size(status.st_size, f"{source} has")
        check_space(target.parent, status.st_size, file.name)
        try:
            return _copy(file, read, source, target, check)
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise ModelError(
                    f"Cannot copy {source} to {target.parent}: {reason(error)}."
                ) from error
            raise


def _copy(file: RemoteFile, read, source: Path, target: Path, check: Check) -> str:
    digest, copied = hashlib.sha256(), 0
    target.unlink(missing_ok=True)
    with target.open("xb") as write:
        while block := read.read(HASH_BLOCK_BYTES):
            check()
            copied += len(block)
            if copied > file.plausible_sizes[1]:  # it grows while it is read
                file.check_size(copied, f"{source} has at least")
            digest.update(block)
            write.write(block)
        write.flush()
        os.fsync(write.fileno())
    return digest.hexdigest()


def _what(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe or a device"
