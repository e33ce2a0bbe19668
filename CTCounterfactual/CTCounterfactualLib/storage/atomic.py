"""Single files, written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import Any

from ..errors import OutputError
from ..wording import say
from .lock import take_lock
from .names import check_name, reason

STAGING = ".ct-counterfactual-"
OWNER = "owner.lock"
_HASH_DIGITS = 10
# A rename can't do these: another disk or a mount point (as with `docker -v`).
CANT_RENAME = (errno.EXDEV, errno.EBUSY)
FULL = (errno.ENOSPC, errno.EDQUOT)
# A folder younger than this may be one that another process is just making: not locked yet.
SETTLED_S = 10.0


@contextmanager
def whole_file(
    path: str | os.PathLike[str], overwrite: bool = True, parents: bool = False
) -> Iterator[Path]:
    """Yield a path of the same name in a temporary folder; the file becomes `path` at the end.

    An earlier file there is replaced at the last moment, and kept if anything fails; its
    permissions stay. A link is followed. What earlier writers of this file left when they were
    killed is removed.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    overwrite : bool
        Whether an earlier file may be replaced; if not, it is looked for at once and at the end.
    parents : bool
        Make the folders above it that lack; they go again if the block fails.

    Raises
    ------
    OutputError
        If it exists (without `overwrite`), is a folder or a device, or can't be written.
    """
    given = check_name(path)
    try:
        target = Path(os.path.realpath(given))
        check_free(target, overwrite)
        with made_parents(target) if parents else _nothing(), staging(target) as folder:
            partial = folder / target.name
            yield partial
            flush(partial)
            _move(partial, target, overwrite)
    except OSError as error:
        raise OutputError(
            f"Cannot write {given}: {reason(error)}. Choose another place"
            f"{', or free some space' if error.errno in FULL else ''}."
        ) from error


def write_text(
    path: str | os.PathLike[str], text: str, overwrite: bool = True, parents: bool = False
) -> None:
    """Write a text file in UTF-8, whole or not at all; see `whole_file`.

    Characters that UTF-8 can't hold (of file names in other encodings) become question marks.
    """
    with whole_file(path, overwrite, parents) as partial:
        partial.write_bytes(text.encode("utf-8", "replace"))


def write_json(
    path: str | os.PathLike[str], content: Any, overwrite: bool = True, parents: bool = False
) -> None:
    """Write JSON values, indented by 2, whole or not at all; see `whole_file`.

    Raises
    ------
    ValueError
        For NaN and infinity, which JSON doesn't know.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n", overwrite, parents)


def check_free(path: Path, overwrite: bool) -> None:
    """Raise `OutputError` if a file can't be put at `path` because of what is there."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a folder; give the name of a file.")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{path} is no ordinary file; give the name of one.")
    if not overwrite:
        raise OutputError(
            f"{path} exists already; choose another name, or replace it by {say('force')}."
        )


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Yield a private temporary folder beside `target`, on its disk; it is removed at the end.

    Its name is short whatever `target`'s is. Folders that killed writers of the same target left
    are removed; those of living ones stay, by the lock that lies in each.
    """
    prefix = staging_prefix(target)
    for left in target.parent.glob(prefix + "*"):
        _remove_if_dead(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        lock = take_lock(folder / OWNER, f"The temporary folder {folder}")
        try:
            content = folder / "new"
            content.mkdir()
            yield content
        finally:
            lock.release()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def staging_prefix(target: Path) -> str:
    """Return how the names of temporary folders for `target` begin: hidden, and the same length."""
    digest = hashlib.sha256(target.name.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{STAGING}{digest[:_HASH_DIGITS]}-"


@contextmanager
def made_parents(path: Path) -> Iterator[None]:
    """Make the folders above `path` that lack; if the block fails, those still empty go again."""
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:  # innermost first
            with suppress(OSError):
                folder.rmdir()
        raise


def _remove_if_dead(folder: Path) -> None:
    with suppress(OSError, OutputError):
        status = folder.lstat()
        unlocked = not (folder / OWNER).exists()
        if not stat.S_ISDIR(status.st_mode) or (unlocked and time() - status.st_mtime < SETTLED_S):
            return
        take_lock(folder / OWNER, str(folder)).release()
        shutil.rmtree(folder, ignore_errors=True)


def flush(path: Path) -> None:
    """Have the system put a file's bytes on the disk: else its name may get there first."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move(partial: Path, target: Path, overwrite: bool) -> None:
    if not overwrite:
        _move_to_free_place(partial, target)
        return
    with suppress(FileNotFoundError):
        shutil.copymode(target, partial)
    try:
        os.replace(partial, target)
    except OSError as error:
        if error.errno not in CANT_RENAME or not target.exists():
            raise
        shutil.copyfile(partial, target)  # the target is a mount of its own: nothing else can work


def _move_to_free_place(partial: Path, target: Path) -> None:
    """Move without replacing what has appeared there meanwhile."""
    try:
        os.link(partial, target)  # unlike a rename it fails where something is
    except FileExistsError:
        check_free(target, overwrite=False)
        raise
    except OSError:  # a file system without hard links
        check_free(target, overwrite=False)
        os.replace(partial, target)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
