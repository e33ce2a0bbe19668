"""Bytes of a file, unpacked if it is gzipped; a cut or damaged one is told as such."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from ..errors import ScanError

GZIP_MAGIC = b"\x1f\x8b"


def read_unpacked(path: Path, count: int = -1) -> bytes:
    """Return a file's bytes, or the first `count` of them, after unpacking if it is gzip.

    ITK reads a truncated .nii.gz without complaint and leaves the missing slices at 0.

    Raises
    ------
    ScanError
        If it is a truncated or damaged gzip file.
    OSError
        If it can't be read.
    """
    with path.open("rb") as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            return file.read(count)
        try:
            with gzip.open(file) as unpacked:
                return unpacked.read(count)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ScanError(
                f"The file {path} is truncated or damaged ({error}). Copy it again."
            ) from error
