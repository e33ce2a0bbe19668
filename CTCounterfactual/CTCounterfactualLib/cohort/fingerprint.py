"""What a result was made of, as digests: the code, the scan's bytes, the settings.

A result whose key is the same needn't be made again. A file's bytes are read again only if its size
or its time of change has changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .. import __version__
from ..scans.formats.detached import files_of
from ..storage.hashing import file_sha256
from .locations import is_url, store_of

# The rooms whose code decides an explanation, and what is added by measures, tests and stress.
EXPLAINING = ("storage", "scans", "models", "counterfactual", "methods")
MEASURING = ("metrics", "bench", "evaluation")
TESTING = (*MEASURING, "planting", "trust")
STRESSING = ("planting", "distractors", "stress")
_LIBRARY = Path(__file__).resolve().parents[1]


@cache
def code_digest(rooms: tuple[str, ...] = EXPLAINING) -> str:
    """Return the SHA-256 of the version, the rooms' sources and the libraries' versions."""
    digest = hashlib.sha256(__version__.encode())
    for room in rooms:
        for path in sorted((_LIBRARY / room).rglob("*.py")):
            digest.update(path.relative_to(_LIBRARY).as_posix().encode())
            digest.update(path.read_bytes())
    digest.update(json.dumps(_libraries(), sort_keys=True).encode())
    return digest.hexdigest()


def _libraries() -> dict[str, str]:
    """Return the versions of what computes; those of Python itself decide no number."""
    from ..counterfactual.environment import versions

    return {name: version for name, version in versions().items() if name != "python"}


def key_of(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain JSON values, whatever their order."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def stamp_of(location: str) -> str:
    """Return what tells cheaply that a file or folder is as it was: sizes and times of change.

    Raises
    ------
    OSError
        If it isn't there.
    """
    if is_url(location):
        system, inner = store_of(location)
        return str(system.ukey(inner))
    files = _files(Path(location))
    return _digest(
        f"{name}:{status.st_size}:{status.st_mtime_ns}"
        for name, status in ((name, path.stat()) for name, path in files)
    )


def content_of(path: Path) -> str:
    """Return the SHA-256 of a file, of all files of an image, or of a folder; names count."""
    files = _files(path)
    if len(files) == 1 and path.is_file():
        return file_sha256(path)
    return _digest(f"{name}:{file_sha256(file)}" for name, file in files)


def _files(path: Path) -> list[tuple[str, Path]]:
    """Return names within, and paths."""
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file())
        return [(file.relative_to(path).as_posix(), file) for file in inside]
    path.stat()  # says that it isn't there
    return [(file.name, file) for file in files_of(path)]


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()
