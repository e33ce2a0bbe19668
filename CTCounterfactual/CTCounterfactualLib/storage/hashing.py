"""Digests under which a result remembers its input and a card its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

HASH_BLOCK_BYTES = 1 << 20


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
