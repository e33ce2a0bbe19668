"""What people do with a model's files: fetch them, check them, remove them.

The command line and the Slicer module both call these; nothing here prints or asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import ModelError
from ...events import Reporter
from .cache import BYTES_PER_MB, CONVERTED, PARTIAL_SUFFIX, ModelCache
from .pins import read_pins
from .remote import RemoteFile

FETCH, FETCHED = "fetch", "fetched"
AS_IT_WAS, CHANGED, ABSENT = "as it was", "changed", "not here"
# Of a file's digest, in the names of what was converted from it.
DIGEST_DIGITS = 12


@dataclass(frozen=True)
class FileCheck:
    """What became of a file since it came.

    Parameters
    ----------
    file : RemoteFile
        Which one.
    state : str
        `AS_IT_WAS`, `CHANGED` or `ABSENT`.
    message : str
        If changed, in words what is wrong and what to do.
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
        Without pooch.
    """
    local, reporter = local or {}, reporter or Reporter()
    wanted = tuple({file.name: file for file in files}.values())
    paths = []
    for number, file in enumerate(wanted):
        share = _Share(reporter, wanted, number)
        share(0, file.size_bytes)
        if file.name in local:
            paths.append(cache.adopt(file, local[file.name]))
        else:
            paths.append(cache.fetch(file, share))
    names = [path.name for path in paths]
    reporter.report(FETCHED, "All files are here.", 1.0, files=names, output=str(cache.folder))
    return tuple(paths)


def is_here(cache: ModelCache, files: Iterable[RemoteFile]) -> bool:
    """Tell whether anything of a model is here, be it a part of a download."""
    return any(
        (cache.folder / f"{file.name}{ending}").is_file()
        for file in files for ending in ("", PARTIAL_SUFFIX)
    )


def verify_files(cache: ModelCache, files: Iterable[RemoteFile]) -> tuple[FileCheck, ...]:
    """Compare the digest of each file with what it was when it came; raises nothing for a change.

    Raises
    ------
    ModelError
        If the record of digests itself is damaged: then nothing can be told.
    """
    read_pins(cache.folder)
    checks = []
    for file in {file.name: file for file in files}.values():
        if not cache.has(file):
            checks.append(FileCheck(file, ABSENT))
            continue
        try:
            cache.path(file)
        except ModelError as error:
            checks.append(FileCheck(file, CHANGED, str(error)))
        else:
            checks.append(FileCheck(file, AS_IT_WAS))
    return tuple(checks)


def remove_files(cache: ModelCache, files: Iterable[RemoteFile]) -> int:
    """Remove files, their digests and what was converted from them; return the bytes freed."""
    freed = 0
    for file in files:
        digest = read_pins(cache.folder).get(file.name, "")[:DIGEST_DIGITS]
        if digest:
            for path in (cache.folder / CONVERTED).glob(f"*-{digest}.*"):
                freed += path.stat().st_size
                path.unlink()
        freed += cache.remove(file)
    return freed


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
        words = f"{done / BYTES_PER_MB:.0f} MB"
        if total:
            words = f"{done / BYTES_PER_MB:.0f} of {total / BYTES_PER_MB:.0f} MB"
        part = min(done / total, 1.0) if total else 0.0
        self._reporter.report(
            FETCH, f"{self._file.name}: {words}", self._before + self._part * part,
            file=self._file.name, bytes=done, total=total,
        )
