"""Temporary folders of jobs: private, under one root, and cleared when their session is gone."""

from __future__ import annotations

import atexit
import getpass
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import time

from ..errors import OutputError

LOCK = "session.lock"
_PREFIX = "job-"
# A folder younger than this may be one that another session is just making: not locked yet.
_SETTLED_S = 10.0
# Kept from being forgotten: a folder whose lock is let go of counts as a dead session's.
_alive: set[Workplace] = set()


def cache_root(base: str | Path | None = None) -> Path:
    """Return the folder in `base` (default: the system's temporary one) that holds all jobs."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # no such account, as in some containers
        user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return Path(base or tempfile.gettempdir()) / f"ct-counterfactual-{user}"


class Workplace:
    """One job's folder; `create` makes it, `remove` or the program's end takes it away.

    Attributes
    ----------
    folder, input, region, job, stream, result : Path
        The folder and what lies in it: the scan and the region's mask as NRRD, the job file, the
        folder of heatmaps that come while it runs, the result folder (not created here).
    """

    def __init__(self, folder: Path, lock: int):
        self.folder = folder
        self.input = folder / "input.nrrd"
        self.region = folder / "region.nrrd"
        self.job = folder / "job.json"
        self.stream = folder / "stream"
        self.result = folder / "result"
        self._lock = lock

    @classmethod
    def create(cls, root: str | Path | None = None) -> Workplace:
        """Make a new folder under `root` (default: `cache_root()`); clear those of dead sessions.

        Raises
        ------
        OutputError
            If it can't be made, or the root belongs to someone else.
        """
        root = Path(root) if root else cache_root()
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_owner(root)
            clear_dead(root)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            _take(lock)
            workplace = cls(folder, lock)
            workplace.stream.mkdir()
        except OSError as error:
            raise OutputError(
                f"Cannot make a temporary folder in {root}: {error.strerror}. Free some space, or "
                f"check the permissions."
            ) from error
        _alive.add(workplace)
        atexit.register(workplace.remove)
        return workplace

    def remove(self) -> None:
        """Remove the folder with all that is in it; safe to call twice."""
        if self not in _alive:
            return
        _alive.discard(self)
        atexit.unregister(self.remove)
        os.close(self._lock)  # Windows removes no open file
        shutil.rmtree(self.folder, ignore_errors=True)


def root_size(root: str | Path | None = None) -> int:
    """Return the bytes of all jobs' folders under `root` (default: `cache_root()`)."""
    total = 0
    for path in (Path(root) if root else cache_root()).rglob("*"):
        with suppress(OSError):  # it may go away meanwhile
            total += path.lstat().st_size if not path.is_dir() else 0
    return total


def clear_root(keep: Iterable[Workplace | Path] = (), root: str | Path | None = None) -> int:
    """Remove this and dead sessions' folders except `keep`; return the bytes that this freed.

    Folders of other sessions that are alive stay.
    """
    root = Path(root) if root else cache_root()
    kept = {_folder(item) for item in keep}
    before = root_size(root)
    for workplace in [w for w in _alive if w.folder.parent == root and _folder(w) not in kept]:
        workplace.remove()
    clear_dead(root, kept)
    return before - root_size(root)


def clear_dead(root: Path, keep: Iterable[Path] = ()) -> None:
    """Remove the folders under `root` whose session is gone: nobody holds their lock."""
    for folder in root.glob(_PREFIX + "*"):
        if folder.resolve() in keep or folder.is_symlink() or not _is_dead(folder):
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _folder(item: Workplace | Path) -> Path:
    return (item.folder if isinstance(item, Workplace) else Path(item)).resolve()


def _is_dead(folder: Path) -> bool:
    try:
        if time() - folder.stat().st_mtime < _SETTLED_S:
            return False
        lock = os.open(folder / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return True  # its session ended before it was locked
    except OSError:
        return False
    try:
        _take(lock)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _take(lock: int) -> None:
    """Lock an open file until it is closed or the process ends; raise OSError if another has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _check_owner(root: Path) -> None:
    """Raise if somebody else could have put the root there to read what we write."""
    if not hasattr(os, "getuid"):
        return
    status = root.lstat()
    if root.is_symlink() or status.st_uid != os.getuid():
        raise OutputError(
            f"The folder {root} belongs to another user; remove it, or choose another temporary "
            f"folder by the environment variable TMPDIR."
        )
