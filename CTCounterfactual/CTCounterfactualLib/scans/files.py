"""Whole-file checks: truncated files."""

from __future__ import annotations

import gzip
from pathlib import Path

from ..storage.hashing import HASH_BLOCK_BYTES, file_sha256, files_sha256

__all__ = ["file_sha256", "files_sha256", "unpacked_size"]  # the first two are being moved

GZIP_MAGIC = b"\x1f\x8b"


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
