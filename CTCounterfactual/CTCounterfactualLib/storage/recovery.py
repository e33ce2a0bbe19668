"""What a killed run left of a claimed folder: finished where it had begun to move, else removed.

The staging folder is described in `claim`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import OutputError
from .moving import READY, finish_moving, free_name, move_away, remove_own

NEW, OLD = "new", "old"

# Of a folder: names of the files in it that are an earlier output's own; raises `OutputError` if
# it is none.
OwnFiles = Callable[[Path], list[str]]


def has_begun(place: Path) -> bool:
    """Return whether what is staged is complete and on its way to its place."""
    return (place / OLD).exists() or (place / READY).exists()


def recover(place: Path, target: Path, own_files: OwnFiles) -> str:
    """Finish what had begun in a staging folder, or remove what hadn't; return in words which."""
    new, old = place / NEW, place / OLD
    if (place / READY).exists():
        finish_moving(place, target)
        return (
            f"An earlier run was killed while it put its result into {target}; that was finished "
            f"now."
        )
    if not old.exists():
        shutil.rmtree(new, ignore_errors=True)
        return f"An earlier run for {target} was killed; what it left was removed."
    notice = f"An earlier run was killed while it replaced {target}; its new result is there now."
    if not os.path.lexists(target):
        os.rename(new if new.exists() else old, target)
    elif new.exists():
        kept = move_away(new, target)
        notice = (
            f"An earlier run was killed before its result was in its place, which is taken now; "
            f"the result is in {kept}."
        )
    discard(old, target, own_files)
    return notice


def discard(old: Path, target: Path, own_files: OwnFiles) -> None:
    """Remove an earlier output's own files; what came to lie there meanwhile is kept beside."""
    if not old.exists():
        return
    own: list[str] = []
    with suppress(OutputError):
        own = own_files(old)
    remove_own(old, own)
    if old.exists():
        os.rename(old, free_name(target, "-earlier"))
