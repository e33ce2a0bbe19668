"""A download that isn't complete: its bytes, and of which version of the file they are.

A record beside the bytes says from where they came, how the server told that version, how many
bytes were surely there, and their digest. Only what still has that digest is gone on from.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from ...storage.bounded import MOST_RECORD_BYTES
from ...storage.hashing import HASH_BLOCK_BYTES
from ...storage.objects import read_object

PARTIAL_SUFFIX = ".part"
RECORD_SUFFIX = ".part.json"
# So much of a download is lost at most when the process is killed.
RECORDED_EVERY_BYTES = 16 << 20
WEAK = "W/"
RECORD_BYTES = 4096


@dataclass(frozen=True)
class Version:
    """How a server tells one version of a file from the next.

    Parameters
    ----------
    url : str
        Of the file, as the catalogue names it.
    etag, modified : str
        Its headers ETag and Last-Modified; empty where it sends none.
    total : int
        Size in bytes; 0 if not known.
    """

    url: str
    etag: str = ""
    modified: str = ""
    total: int = 0

    @property
    def condition(self) -> str:
        """What If-Range takes: a strong ETag or a date; empty if this version can't be told."""
        return self.etag if self.etag and not self.etag.startswith(WEAK) else self.modified

    def contradicts(self, other: Version) -> bool:
        """Whether the two can't be of the same bytes, as far as both say anything."""
        pairs = (
            (self.etag, other.etag),
            (self.modified, other.modified),
            (self.total, other.total),
        )
        return self.url != other.url or any(a and b and a != b for a, b in pairs)


def drop_partial(final: Path) -> int:
    """Remove what is left of a file's download; return how many bytes that were."""
    freed = 0
    for suffix in (RECORD_SUFFIX, PARTIAL_SUFFIX):
        path = final.with_name(final.name + suffix)
        with suppress(FileNotFoundError, NotADirectoryError):
            freed += path.lstat().st_size
            path.unlink()
    return freed


class PartialFile:
    """The bytes of a download so far; a context that closes and records them, however it ends.

    Parameters
    ----------
    final : Path
        Where the whole file will be; the partial one lies beside it.
    url : str
        From where it comes: bytes from elsewhere are dropped.
    """

    def __init__(self, final: Path, url: str):
        self.path = final.with_name(final.name + PARTIAL_SUFFIX)
        self._final, self._record = final, final.with_name(final.name + RECORD_SUFFIX)
        self.version = Version(url)
        self.size = 0
        self._recorded = 0
        self._digest = hashlib.sha256()
        self._opened: BinaryIO | None = None

    def __enter__(self) -> PartialFile:
        if not self._go_on():
            self.restart()
        return self

    def __exit__(self, *error: object) -> None:
        if self._opened is not None:
            with suppress(OSError):  # a full disk: the last record counts
                self.record()
            with suppress(OSError):
                self._opened.close()
            self._opened = None
        if not self.size:
            self.drop()

    @property
    def sha256(self) -> str:
        """Digest of the bytes that were written."""
        return self._digest.hexdigest()

    def restart(self, version: Version | None = None) -> None:
        """Drop all bytes; those that come next are of `version`."""
        self.version = version or Version(self.version.url)
        self.drop()
        self._open(os.O_CREAT | os.O_EXCL)
        self.size, self._recorded, self._digest = 0, 0, hashlib.sha256()
        if version is not None:
            self.record()

    def write(self, block: bytes) -> None:
        """Add bytes at the end."""
        self._file.write(block)
        self._digest.update(block)
        self.size += len(block)
        if self.size - self._recorded >= RECORDED_EVERY_BYTES:
            self.record()

    def record(self) -> None:
        """Say in the record how far the bytes on the disk go."""
        self._file.flush()
        os.fsync(self._file.fileno())
        told = {**asdict(self.version), "bytes": self.size, "sha256": self.sha256}
        # One write of equal length in place: a kill leaves the earlier or the new record; one that
        # a failing disk tears is no JSON, and the download then starts anew.
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self._record, flags, 0o666)
        try:
            os.write(descriptor, json.dumps(told).ljust(RECORD_BYTES).encode())
        finally:
            os.close(descriptor)
        self._recorded = self.size

    def drop(self) -> None:
        """Remove the bytes and the record."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        drop_partial(self._final)

    @property
    def _file(self) -> BinaryIO:
        if self._opened is None:
            raise ValueError(f"{self.path} isn't open: it takes bytes within its context only.")
        return self._opened

    def _open(self, flags: int) -> None:
        flags |= os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._opened = os.fdopen(os.open(self.path, flags, 0o666), "r+b")

    def _go_on(self) -> bool:
        """Open what an earlier attempt left, cut to what is surely of one version."""
        try:
            told = read_object(self._record, MOST_RECORD_BYTES)
            size, sha256 = int(told.pop("bytes")), told.pop("sha256")
            version = Version(
                **{name: type(default)(told[name]) for name, default in asdict(Version("")).items()}
            )
            self._open(0)
            status = os.fstat(self._file.fileno())
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return False
        kept = stat.S_ISREG(status.st_mode) and 0 < size <= status.st_size
        if not kept or version.url != self.version.url or not version.condition:
            return False
        self._file.truncate(size)
        while block := self._file.read(HASH_BLOCK_BYTES):
            self._digest.update(block)
        if self.sha256 != sha256:
            return False
        self.version, self.size, self._recorded = version, size, size
        return True
