"""The slice cache: scans as memory-mapped stacks of slices, made in parallel, checksummed.

A folder with three files a scan: `ID.npy` (K, H, W) float16 0..1, `ID.sig.npy` (see `duplicates`),
and `ID.json`, written last, which says what the others are. So a scan is there whole or not at
all: what was made before a kill, a full disk or a cancel is used by the next call.
"""

from __future__ import annotations

import csv
import hashlib
import io
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...errors import CTCounterfactualError, OutputError, ScanError
from ...scans.read import read_scan
from ...storage.atomic import whole_file, write_json, write_text
from ...storage.hashing import file_sha256
from ...storage.names import reason
from ...storage.objects import read_object
from ..slices import SliceStack, stack_from_scan
from .deeplesion import read_png_series
from .duplicates import signature
from .sources import PNG_SERIES, Source

# Another number makes all scans anew: what a slice is has changed.
VERSION = 1
MOST_ENTRY_BYTES = 1 << 16
SKIPPED = "skipped.csv"
_ID_DIGITS = 20


@dataclass(frozen=True)
class Entry:
    """A scan in the cache.

    Parameters
    ----------
    id : str
        Names its files: a digest of the source's path, size and time.
    source, patient : str
        Where it came from, and whose it is.
    shape : tuple of int
        (K, H, W).
    sha256 : str
        Of `ID.npy`.
    key_slices : tuple of int
        Of DeepLesion: numbers of the annotated ones among the source's files.
    """

    id: str
    source: str
    patient: str
    shape: tuple[int, int, int]
    sha256: str
    key_slices: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cache:
    """What is in a cache's folder, and what couldn't be read (path, why)."""

    folder: Path
    entries: tuple[Entry, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    def stack(self, entry: Entry, weight: float = 1.0) -> SliceStack:
        """Return a scan's slices, mapped into memory: read from the disk where they are looked at.

        Raises
        ------
        OutputError
            If the file isn't what it was when it was written.
        """
        path = self.folder / f"{entry.id}.npy"
        try:
            slices = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged(path) from error
        if slices.shape != entry.shape or slices.dtype != np.float16:
            raise self._damaged(path)
        return SliceStack(Path(entry.source).name, slices, weight)

    def signatures(self) -> dict[str, np.ndarray]:
        """Return each scan's signature by its id, for `find_duplicates`."""
        return {e.id: np.load(self.folder / f"{e.id}.sig.npy") for e in self.entries}

    def verify(self) -> None:
        """Read all slices once; raise `OutputError` naming the first file with another digest."""
        for entry in self.entries:
            path = self.folder / f"{entry.id}.npy"
            if not path.is_file() or file_sha256(path) != entry.sha256:
                raise self._damaged(path)

    @staticmethod
    def _damaged(path: Path) -> OutputError:
        return OutputError(
            f"{path} in the slice cache is damaged or missing. Remove {path.stem}.json beside it, "
            f"and it is made anew."
        )


def build_cache(
    sources: Sequence[Source],
    folder: str | Path,
    workers: int = 1,
    on_scan: Callable[[int, int], None] = lambda done, all: None,
) -> Cache:
    """Make the slices of scans that aren't there yet, and return the cache of these sources.

    A scan that can't be read is skipped and listed in `skipped.csv` with the reason.

    Parameters
    ----------
    workers : int
        Processes that read and prepare; each takes a scan's memory several times.
    on_scan : callable
        Called with (done, all) after each scan; what it raises (a cancel) ends it, and what is
        made stays.

    Raises
    ------
    ScanError
        If no scan could be read.
    OutputError
        If the folder can't be written to, as when the disk is full.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot make the folder {folder}: {reason(error)}.") from error
    entries: dict[Path, Entry] = {}
    skipped: list[tuple[str, str]] = []
    missing: list[Source] = []
    for source in sources:
        known = _read_entry(folder, source)
        if known is None:
            missing.append(source)
        else:
            entries[source.path] = known
    done = len(entries)
    for source, result in _made(missing, folder, workers):
        if isinstance(result, Entry):
            entries[source.path] = result
        else:
            skipped.append((str(source.path), result))
        done += 1
        on_scan(done, len(sources))
    _write_skipped(folder, skipped)
    if not entries:
        raise ScanError(
            f"None of {len(sources)} scans could be read. The first, {skipped[0][0]}: "
            f"{skipped[0][1]}"
        )
    found = tuple(entries[source.path] for source in sources if source.path in entries)
    return Cache(folder, found, tuple(skipped))


def _made(
    sources: Sequence[Source], folder: Path, workers: int
) -> Iterator[tuple[Source, Entry | str]]:
    """Yield each source with its entry, or in words why there is none, as they are done."""
    if workers <= 1 or len(sources) <= 1:
        for source in sources:
            yield source, make_entry(source, folder)
        return
    # Fresh processes: a fork of one in which libraries have started threads may hang.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    try:
        running: dict[Future, Source] = {
            pool.submit(make_entry, source, folder): source for source in sources
        }
        for future in as_completed(running):
            yield running[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def make_entry(source: Source, folder: Path) -> Entry | str:
    """Read and prepare a scan and write its files; return its entry, or why it can't be read.

    Raises
    ------
    OutputError
        If the files can't be written.
    """
    try:
        id_ = _id(source)
        slices = _slices(source)
    except ScanError as error:
        return str(error)
    except OSError as error:
        return f"Cannot be read: {reason(error)}."
    except MemoryError:
        return "Too large for this computer's memory."
    path = folder / f"{id_}.npy"
    with whole_file(path) as partial:
        np.save(partial, slices)
        digest = file_sha256(partial)
    with whole_file(folder / f"{id_}.sig.npy") as partial:
        np.save(partial, signature(slices))
    keys = source.key_slices.indices if source.key_slices else ()
    shape = (slices.shape[0], slices.shape[1], slices.shape[2])
    entry = Entry(id_, str(source.path), source.patient, shape, digest, keys)
    write_json(folder / f"{id_}.json", asdict(entry) | {"version": VERSION})
    return entry


def _slices(source: Source) -> np.ndarray:
    """Return a source's prepared slices (K, H, W), float16, 0..1."""
    if source.kind == PNG_SERIES:
        assert source.key_slices is not None
        file = read_png_series(source.path, source.key_slices)
        prepared = [file.prepared(number) for number in range(len(file.hu))]
        return np.stack(prepared).astype(np.float16)
    return np.asarray(stack_from_scan(read_scan(source.path)).slices)


def _id(source: Source) -> str:
    """Return a digest of what a source is on the disk; of a folder by its files' names."""
    path = source.path.absolute()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    told = [str(path), str(VERSION)]
    for file in files:
        status = os.stat(file)
        told.append(f"{file.name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()[
        :_ID_DIGITS
    ]


def _read_entry(folder: Path, source: Source) -> Entry | None:
    """Return the entry of a source that is there whole; None if it must be made."""
    try:
        values = read_object(folder / f"{_id(source)}.json", MOST_ENTRY_BYTES)
        if values.pop("version") != VERSION:
            return None
        values["shape"], values["key_slices"] = tuple(values["shape"]), tuple(values["key_slices"])
        # The list may name another patient today than when the slices were made.
        entry = Entry(**{**values, "patient": source.patient})
    except (OSError, ValueError, KeyError, TypeError, CTCounterfactualError):
        return None
    files = (folder / f"{entry.id}.npy", folder / f"{entry.id}.sig.npy")
    return entry if all(file.is_file() for file in files) else None


def _write_skipped(folder: Path, skipped: Sequence[tuple[str, str]]) -> None:
    path = folder / SKIPPED
    if not skipped:
        path.unlink(missing_ok=True)
        return
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(("path", "why"))
    writer.writerows(skipped)
    write_text(path, table.getvalue())
