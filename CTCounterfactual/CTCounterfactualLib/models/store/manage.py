"""What people do with a model's files: fetch them, check them, remove them.

The command line and the Slicer module both call these; nothing here prints or asks.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import ModelError
from ...events import Reporter
from ...storage.names import reason
from ...storage.sizes import in_words
from .cache import ModelCache
from .conversions import clear_conversions, remove_conversions
from .folder import check_folder
from .partial import PARTIAL_SUFFIX
from .pins import LOCK, PINS, read_pins
from .remote import RemoteFile

FETCH, FETCHED = "fetch", "fetched"
AS_IT_WAS, CHANGED, ABSENT = "as it was", "changed", "not here"
UNREADABLE = "can't be read"


@dataclass(frozen=True)
class FileCheck:
    """What became of a file since it came.

    Parameters
    ----------
    file : RemoteFile
        Which one.
    state : str
        `AS_IT_WAS`, `CHANGED`, `UNREADABLE` or `ABSENT`.
    message : str
        If changed or unreadable, in words what is wrong and what to do.
    """

    file: RemoteFile
    state: str
    message: str = ""


def fetch_files(
    cache: ModelCache,
    files: Iterable[RemoteFile],
    local: Mapping[str, Path] | None = None,
    reporter: Reporter | None = None,
) -> tuple[Path, ...]:
    """Bring files into the cache and return their paths; what is there already stays.

    Each block that arrives is told as an event `fetch` (`file`, `bytes`, `total` of that file; 0 if
    the server doesn't say); the last event is `fetched`. A cancel keeps what has arrived, and the
    next attempt goes on from there.

    Parameters
    ----------
    cache : ModelCache
        Where they go.
    files : iterable of RemoteFile
        Which; one that is named twice is fetched once.
    local : mapping, optional
        File name -> a local file to take instead of a download.
    reporter : Reporter, optional
        Told of progress; may raise `Cancelled`.

    Raises
    ------
    ModelError
        If a download fails, or a file isn't the one that was expected.
    MissingExtraError
        Without requests.
    """
    local, reporter = local or {}, reporter or Reporter()
    wanted = tuple({file.name: file for file in files}.values())
    paths = []
    for number, file in enumerate(wanted):
        share = _Share(reporter, wanted, number)
        share(0, file.size_bytes)
        if file.name in local:
            paths.append(cache.adopt(file, local[file.name], reporter.check))
        else:
            paths.append(cache.fetch(file, share, reporter.check))
    names = [path.name for path in paths]
    reporter.report(FETCHED, "All files are here.", 1.0, files=names, output=str(cache.folder))
    return tuple(paths)


def is_here(cache: ModelCache, files: Iterable[RemoteFile]) -> bool:
    """Tell whether anything of a model is here, be it a part of a download."""
    return any(
        (cache.folder / f"{file.name}{ending}").is_file()
        for file in files
        for ending in ("", PARTIAL_SUFFIX)
    )


def verify_files(cache: ModelCache, files: Iterable[RemoteFile]) -> tuple[FileCheck, ...]:
    """Read every file again and compare its digest with what it was; raises nothing for a change.

    Raises
    ------
    ModelError
        If the folder can't be read, or the record of digests itself is damaged: then nothing can
        be told.
    """
    check_folder(cache.folder)
    read_pins(cache.folder)
    return tuple(_verify(cache, file) for file in {file.name: file for file in files}.values())


def _verify(cache: ModelCache, file: RemoteFile) -> FileCheck:
    path = cache.folder / file.name
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return FileCheck(file, UNREADABLE, f"{path} is no file; remove it, and fetch it again.")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        if path.is_symlink():
            return FileCheck(file, UNREADABLE, f"{path} is a link that leads nowhere; remove it.")
        return FileCheck(file, ABSENT)
    except OSError as error:
        return FileCheck(
            file,
            UNREADABLE,
            f"{path} can't be read: {reason(error)}. Mend its permissions, or "
            f"remove it and fetch it again.",
        )
    try:
        cache.path(file)
    except ModelError as error:
        return FileCheck(file, CHANGED, str(error))
    return FileCheck(file, AS_IT_WAS)


def remove_files(cache: ModelCache, files: Iterable[RemoteFile]) -> int:
    """Remove files, their digests and what was converted from them; return the bytes freed.

    Raises
    ------
    ModelError
        If another process is fetching one of them, or it can't be removed.
    """
    freed = 0
    for file in {file.name: file for file in files}.values():
        digest = read_pins(cache.folder).get(file.name)
        if digest:
            freed += remove_conversions(cache.folder, digest)
        freed += cache.remove(file)
    return freed


def clear_files(cache: ModelCache, files: Iterable[RemoteFile]) -> tuple[int, tuple[str, ...]]:
    """Remove all that the store has put into its folder, and the folder if nothing else is there.

    Works with a damaged record, too: then `files` say what is the store's.

    Parameters
    ----------
    cache : ModelCache
        Whose folder.
    files : iterable of RemoteFile
        All of the catalogue.

    Returns
    -------
    int
        Bytes freed.
    tuple of str
        Names in the folder that aren't the store's, and stay.
    """
    check_folder(cache.folder)
    if not cache.folder.is_dir():
        return 0, ()
    try:
        pins = read_pins(cache.folder)
    except ModelError:
        pins = {}
        (cache.folder / PINS).unlink()
    known = {file.name: file for file in files}
    for name in pins:
        if "/" not in name:
            known.setdefault(name, RemoteFile(name, ""))
    freed = clear_conversions(cache.folder, pins)
    freed += sum(cache.remove(file) for file in known.values())
    for name in (PINS, LOCK):
        (cache.folder / name).unlink(missing_ok=True)
    left = tuple(sorted(path.name for path in cache.folder.iterdir()))
    if not left and not cache.folder.is_symlink():
        cache.folder.rmdir()
    return freed, left


class _Share:
    """From one file's progress to that of all: each file counts by its size."""

    def __init__(self, reporter: Reporter, files: tuple[RemoteFile, ...], number: int):
        known = [file.size_bytes for file in files if file.size_bytes]
        usual = sum(known) / len(known) if known else 1.0  # for files of unknown size
        sizes = [file.size_bytes or usual for file in files]
        self._reporter = reporter
        self._file = files[number]
        self._before = sum(sizes[:number]) / sum(sizes)
        self._part = sizes[number] / sum(sizes)

    def __call__(self, done: int, total: int) -> None:
        total = total or self._file.size_bytes
        words = f"{in_words(done)} of {in_words(total)}" if total else in_words(done)
        part = min(done / total, 1.0) if total else 0.0
        self._reporter.report(
            FETCH,
            f"{self._file.name}: {words}",
            self._before + self._part * part,
            file=self._file.name,
            bytes=done,
            total=total,
        )
