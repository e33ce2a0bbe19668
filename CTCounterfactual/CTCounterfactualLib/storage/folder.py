"""Output folders: one is claimed, filled, and released, also when the run ends early."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import OutputError
from .atomic import made_parents
from .claim import FolderClaim, claims, moving_now, surely
from .names import check_name, reason
from .recovery import OwnFiles

# What temporary folders and the names of files within add to the length of a path, at most.
INNER_BYTES = 160
_LONGEST_MOVE_S = 30.0


@contextmanager
def claim_folder(
    path: str | os.PathLike[str], own_files: OwnFiles, replace: bool = False
) -> Iterator[FolderClaim]:
    """Claim a folder for an output until the block ends.

    Parameters
    ----------
    path : str or path-like
        The folder: absent, empty, or holding an earlier output. Folders above it that lack are
        made, and go again if the block fails.
    own_files : callable
        Folder -> names of its files that are an earlier output's own; raises `OutputError` if it
        holds none.
    replace : bool
        An earlier output may give way: exactly its own files, and only if nothing else is there.

    Raises
    ------
    LockHeld
        If another run has claimed it; names it.
    OutputError
        If it can't be written to, or holds something that mustn't give way.
    """
    check_name(os.path.join(os.path.abspath(check_name(path)), "n" * INNER_BYTES))
    try:
        target = Path(os.path.realpath(path))
        with made_parents(target):
            claim = FolderClaim(target, own_files, replace)
            try:
                claim.check()
                yield claim
            except BaseException:
                surely(claim.release)
                raise
            claim.release()
    except OSError as error:
        raise OutputError(
            f"Cannot write into {Path(path).absolute()}: {reason(error)}. Choose another folder."
        ) from error


def release_all() -> bool:
    """Remove what this process has staged, at its sudden end; return whether there was any.

    What is on its way to its place is left to the next run. From then on nothing is put in place
    any more: the caller ends the process.
    """
    if not moving_now.acquire(timeout=_LONGEST_MOVE_S):
        return False
    staged = list(claims)
    for claim in staged:
        with suppress(OSError):
            claim.release(gently=False)
    return bool(staged)
