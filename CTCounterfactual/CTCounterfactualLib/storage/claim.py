"""A folder of output, claimed before the work and filled at its end, whole or not at all.

Beside the folder (inside it, where it is a disk of its own) lies a hidden staging folder while
it is claimed:

    owner.lock   held; names the process, so that a second one is refused
    new/         what is being written
    old/         the earlier content, once it has begun to give way
    ready.json   once `new` moves in file by file: what comes and what goes

From `old` or `ready.json` on, `new` is complete. Whoever claims the folder after its owner was
killed finishes what had begun, or removes what hadn't.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import OutputError
from ..wording import say
from .atomic import STAGING, flush
from .lock import FileLock, LockHeld, take_lock
from .moving import cant_rename, files_in, foreign_names, move_away, move_in
from .names import reason
from .recovery import NEW, OLD, OwnFiles, discard, has_begun, recover

LOCK = "owner.lock"
_NAMED = 3  # of names that a message lists
_HASH_DIGITS = 12

claims: set[FolderClaim] = set()
# Held while a staged folder takes its place: nobody may remove it then.
moving_now = threading.RLock()


class WrittenElsewhere(OutputError):
    """The output couldn't be put where it was to go, and lies elsewhere: `data["output"]`."""

    def __init__(self, message: str, place: Path):
        super().__init__(message)
        self.data = {"output": str(place)}


class FolderClaim:
    """A claimed folder; made by `folder.claim_folder`.

    Attributes
    ----------
    target : Path
        The folder, with links followed.
    new : Path
        The staging folder, on the same disk, to write into.
    notice : str
        What was recovered or removed of a run that was killed; empty: nothing.
    """

    def __init__(self, target: Path, own_files: OwnFiles, replace: bool):
        self.target = target
        self.notice = ""
        self._own_files = own_files
        self._replace = replace
        self._locks: dict[Path, FileLock] = {}
        self._inside = target / STAGING.rstrip("-")
        beside = target.parent / staging_name(target)
        try:
            self._take(beside)
            self._choose_place(beside)
        except BaseException:
            surely(self.release)
            raise
        self.new = self._staging / NEW

    def _choose_place(self, beside: Path) -> None:
        """Stage beside the folder; inside it where that is another disk, or all we may write to."""
        self._staging = beside
        movable = beside in self._locks and self._can_move(beside)
        if self._inside.is_dir() or (self.target.is_dir() and not movable):
            self._take(self._inside, needed=True)
        if self.target.is_dir() and not movable:
            self._staging = self._inside

    def _take(self, place: Path, needed: bool = False) -> None:
        """Lock a staging folder, and see to what a killed run left in it."""
        left = (place / LOCK).exists()
        try:
            self._locks[place] = _lock(place, self.target)
        except LockHeld:
            raise
        except (OSError, OutputError) as error:
            if not needed and self.target.is_dir():
                return  # the folder itself may be all that we may write to
            cause = error if isinstance(error, OSError) else error.__cause__ or error
            raise OutputError(
                f"Cannot write into {place.parent}: {reason(cause)}. Choose another folder."
            ) from error
        claims.add(self)
        if left:
            with moving_now:
                self.notice = recover(place, self.target, self._own_files)

    def _can_move(self, place: Path) -> bool:
        """Return whether files can be moved from a staging folder into the target."""
        if not self.target.is_dir():
            return True
        probe, moved = place / "probe", self.target / f"{STAGING}probe"
        probe.touch()
        try:
            os.rename(probe, moved)
            moved.unlink()
        except OSError:
            probe.unlink()
            return False
        return True

    def check(self) -> None:
        """Raise `OutputError` if what is in the folder mustn't give way, or it can't be made."""
        if not os.path.lexists(self.target):
            self.target.mkdir()  # some names and places are refused only now
            self.target.rmdir()
            return
        if not self.target.is_dir():
            raise OutputError(
                f"{self.target} exists and is no folder; choose another name for the output."
            )
        if not self._holds_something():
            return  # an empty folder is as good as none
        own = self._own_files(self.target)
        if not self._replace:
            raise OutputError(
                f"{self.target} holds an earlier result; choose another folder, or replace it by "
                f"{say('force')}."
            )
        foreign = foreign_names(self.target, own, {self._inside.name})
        if foreign:
            more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
            raise OutputError(
                f"{self.target} holds, beside an earlier result, what is no part of it: "
                f"{', '.join(foreign[:_NAMED])}{more}. Nothing was replaced: move that away, or "
                f"choose another folder."
            )

    def start(self) -> Path:
        """Make the staging folder anew, empty, and return it."""
        shutil.rmtree(self.new, ignore_errors=True)
        self.new.mkdir()
        return self.new

    def commit(self) -> Path:
        """Put what was staged in its place; an earlier output gives way at the last moment.

        Raises
        ------
        WrittenElsewhere
            If the place has become impossible meanwhile: then it lies beside it, or in the
            system's temporary folder.
        """
        with moving_now:
            try:
                self.check()
                self._put()
            except (OSError, OutputError) as error:
                cause = reason(error) if isinstance(error, OSError) else error.text.rstrip(".")
                place = move_away(self.new, self.target)
                raise WrittenElsewhere(
                    f"The result can't be put into {self.target}: {cause}. It was written to "
                    f"{place} instead.",
                    place,
                ) from error
            except KeyboardInterrupt:  # too late: the rest takes no time
                self._finish()
        return self.target

    def _put(self) -> None:
        old = self._staging / OLD
        if self.target.exists():
            shutil.copymode(self.target, self.new)
            for name in files_in(self.new):  # before what was there goes
                flush(self.new / name)
        if self._staging.parent == self.target:
            self._put_in_place()
            return
        try:
            if self.target.exists():
                os.rename(self.target, old)
            os.rename(self.new, self.target)
        except OSError as error:
            if old.exists() and not self.target.exists():
                os.rename(old, self.target)
            if not cant_rename(error) or not self.target.is_dir():
                raise
            self._put_in_place()
        else:
            discard(old, self.target, self._own_files)

    def _put_in_place(self) -> None:
        own = self._own_files(self.target) if self._holds_something() else []
        move_in(self._staging, self.target, own)

    def _holds_something(self) -> bool:
        return any(path != self._inside for path in self.target.iterdir())

    def _finish(self) -> None:
        """Go on where a signal has interrupted `_put`."""
        if has_begun(self._staging):
            recover(self._staging, self.target, self._own_files)
        elif self.new.exists():
            self._put()

    def release(self, gently: bool = True) -> None:
        """Give the folder free; what is staged and not on its way is removed."""
        with moving_now:
            for place, lock in self._locks.items():
                if gently and has_begun(place):
                    with suppress(OSError, OutputError):
                        recover(place, self.target, self._own_files)
                if not has_begun(place):
                    with suppress(OSError):
                        _clear(place)
                lock.release()
                with suppress(OSError):
                    place.rmdir()
            self._locks = {}
            claims.discard(self)


def _clear(place: Path) -> None:
    """Remove all that is staged but the lock, which somebody may be waiting for."""
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)


def staging_name(target: Path) -> str:
    """Return the hidden name of a folder's staging folder: short, the same at every start."""
    digest = hashlib.sha256(target.name.encode("utf-8", "surrogateescape")).hexdigest()
    return STAGING + digest[:_HASH_DIGITS]


def _lock(place: Path, target: Path) -> FileLock:
    """Make a staging folder and lock it."""
    while True:
        with suppress(FileExistsError):
            place.mkdir()
        try:
            return take_lock(place / LOCK, f"The output folder {target}")
        except OutputError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise  # else its owner has just removed it


def surely(release: Callable[[], None]) -> None:
    """Run a release to its end although a signal interrupts it once more."""
    try:
        release()
    except KeyboardInterrupt:
        release()
