"""Single files, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path with the same suffix; it becomes `path` if nothing fails.

    An earlier file there is replaced at the last moment, and kept if anything fails.

    Raises
    ------
    OutputError
        If it can't be written.
    """
    path = Path(path).absolute()
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
            partial = Path(folder) / path.name
            yield partial
            os.replace(partial, path)
    except OSError as error:
        raise OutputError(
            f"Cannot write {path}: {error.strerror or error}. Choose another place, or free some "
            f"space."
        ) from error
