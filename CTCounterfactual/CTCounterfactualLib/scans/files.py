"""Whole-file checks: the hash under which a result remembers its input, and truncated files."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from pathlib import Path

HASH_BLOCK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def files_sha256(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of the files' digests in the given order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(bytes.fromhex(file_sha256(path)))
    return digest.hexdigest()


def unpacked_size(path: Path) -> int:
    """Return a file's size in bytes, after unpacking if it is gzip.

    Raises
    ------
    EOFError, gzip.BadGzipFile, zlib.error
        If it is a truncated or damaged gzip file. ITK reads a truncated .nii.gz without complaint
        and leaves the missing slices at 0.
    """
    with path.open("rb") as file:
        if file.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
            return path.stat().st_size
    with gzip.open(path) as file:
        return sum(len(block) for block in iter(lambda: file.read(HASH_BLOCK_BYTES), b""))
