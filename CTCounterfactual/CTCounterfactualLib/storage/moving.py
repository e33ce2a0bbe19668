"""Moves of an output's files: into a folder that can't be renamed, out of the way, and away."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ..errors import OutputError
from .atomic import CANT_RENAME, STAGING, write_json

READY = "ready.json"
_MOST_NAMES = 1000


def files_in(folder: Path) -> list[str]:
    """Return the names of all files below a folder, with forward slashes, sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def foreign_names(folder: Path, own: Iterable[str], ignored: Iterable[str] = ()) -> list[str]:
    """Return what lies in a folder and is none of the files `own`, nor a folder that holds one.

    A link is foreign whatever its name.
    """
    own = {str(PurePosixPath(name)) for name in own}
    above = {str(parent) for name in own for parent in PurePosixPath(name).parents}
    foreign = []
    for path in sorted(folder.iterdir()):
        if path.name not in ignored:
            foreign += _foreign(path, path.name, own, above)
    return foreign


def _foreign(path: Path, name: str, own: set[str], above: set[str]) -> list[str]:
    if path.is_symlink() or not path.is_dir():
        return [] if name in own and path.is_file() and not path.is_symlink() else [name]
    if name not in above:
        return [f"{name}/"]
    return [f for p in sorted(path.iterdir()) for f in _foreign(p, f"{name}/{p.name}", own, above)]


def remove_own(folder: Path, own: Iterable[str]) -> None:
    """Remove the files `own` of a folder, and what folders are empty then, itself too.

    What describes the rest goes last: if this is killed, the next one still knows what to remove.
    """
    for name in sorted(own, key=_describes):
        with suppress(OSError):
            (folder / name).unlink()
    for root, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            os.rmdir(root)


def _describes(name: str) -> bool:
    return name.endswith(".json") and "/" not in name


def cant_rename(error: OSError) -> bool:
    """Return whether a folder can't be moved where its files still may be."""
    return error.errno in (*CANT_RENAME, errno.EACCES, errno.EPERM)


def move_in(staging: Path, target: Path, earlier: Iterable[str]) -> None:
    """Move the files of `staging / "new"` into an existing folder, and those of `earlier` out.

    A record of it is written first: `finish_moving` goes on if this is killed.
    """
    files = files_in(staging / "new")
    gone = sorted(set(earlier) - set(files))
    write_json(staging / READY, {"files": files, "remove": gone})
    finish_moving(staging, target)


def finish_moving(staging: Path, target: Path) -> None:
    """Do all that `move_in` has written down and that isn't done yet.

    JSON files at the top describe the rest: they go first and come last, so that none ever stands
    beside files of another output.
    """
    told = json.loads((staging / READY).read_text(encoding="utf-8"))
    new = staging / "new"
    waiting = [name for name in told["files"] if (new / name).exists()]
    for name in filter(_describes, waiting):
        (target / name).unlink(missing_ok=True)
    for name in told["remove"]:
        _remove(target / name, target)
    for name in sorted(waiting, key=_describes):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _shift(new / name, target / name)
    shutil.rmtree(new, ignore_errors=True)
    (staging / READY).unlink()


def _remove(path: Path, top: Path) -> None:
    """Remove a file, and the folders above it that are empty then, up to `top`."""
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if folder == top:
            return
        with suppress(OSError):
            folder.rmdir()


def move_away(new: Path, target: Path) -> Path:
    """Move a folder beside the place where it can't be, or into the system's temporary folder.

    Raises
    ------
    OutputError
        If it can't be anywhere.
    """
    with suppress(OSError):
        place = free_name(target, "")
        os.rename(new, place)
        return place
    try:
        place = Path(tempfile.mkdtemp(prefix="ct-counterfactual-result-"))
        try:
            shutil.copytree(new, place, dirs_exist_ok=True)
        except OSError:
            shutil.rmtree(place, ignore_errors=True)
            raise
    except OSError as error:
        raise OutputError(
            f"The result can't be put into {target}, nor beside it, nor into a temporary folder: "
            f"{error.strerror or error}. Nothing was written."
        ) from error
    return place


def free_name(target: Path, ending: str) -> Path:
    """Return a name beside `target` that is free: the same with an ending, numbered from 2 on."""
    names = [f"{target.name}{ending}"] if ending else []
    names += [f"{target.name}{ending}-{number}" for number in range(2, _MOST_NAMES)]
    for name in names:
        if not os.path.lexists(target.with_name(name)):
            return target.with_name(name)
    raise OSError(errno.EEXIST, "all names beside it are taken")


def _shift(source: Path, target: Path) -> None:
    """Move a file, to another disk too; what is there is replaced at once."""
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno not in CANT_RENAME:
            raise
        partial = target.with_name(f"{STAGING}part")
        shutil.copyfile(source, partial)
        os.replace(partial, target)
        source.unlink()
