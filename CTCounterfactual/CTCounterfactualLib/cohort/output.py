"""Where a cohort is written: a folder of this computer or of a store, one way to ask for both.

A folder of this computer gets files whole or not at all. A store gets objects one by one, the
record of a case last: it is done once its record is there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ..errors import OutputError
from ..outputs.earlier import RECORD, own_files
from ..storage.atomic import whole_file, write_json
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.folder import claim_folder
from ..storage.moving import files_in
from ..storage.names import check_name, reason
from ..storage.objects import parse_json, read_object
from .locations import is_url, plain, store_of
from .rows import RECORDS


class Output(Protocol):
    """Where a cohort is written; names are relative, with forward slashes."""

    location: str

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Return the object in a file; None if there is none, or it is damaged."""

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file, whole or not at all; raises `OutputError`."""

    def put_folder(self, name: str, folder: Path) -> None:
        """Put what is in a local folder into this one; an earlier result there gives way."""

    def put_file(self, name: str, file: Path) -> None:
        """Put a local file there."""

    def records(self) -> Iterator[str]:
        """Yield the ids of all cases that have a record."""

    def holds(self, name: str) -> bool:
        """Tell whether a file or folder is there."""


def open_output(location: str) -> Output:
    """Return the output at a path or URL; nothing is made yet."""
    return StoreOutput(location) if is_url(location) else FolderOutput(location)


class FolderOutput:
    """A folder of this computer, or one that it shares with others."""

    def __init__(self, location: str):
        self.path = check_name(plain(location)).absolute()
        self.location = str(self.path)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """See `Output`."""
        try:
            return read_object(self.path / name, MOST_RECORD_BYTES)
        except (OSError, ValueError):
            return None

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """See `Output`."""
        write_json(self.path / name, content, parents=True)

    def put_folder(self, name: str, folder: Path) -> None:
        """See `Output`."""
        with claim_folder(self.path / name, own_files, replace=True) as claim:
            new = claim.start()
            for file in files_in(folder):
                (new / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / file, new / file)
            claim.commit()

    def put_file(self, name: str, file: Path) -> None:
        """See `Output`."""
        with whole_file(self.path / name, parents=True) as partial:
            shutil.copyfile(file, partial)

    def records(self) -> Iterator[str]:
        """See `Output`."""
        folder = self.path / RECORDS
        return (path.stem for path in folder.glob("*.json")) if folder.is_dir() else iter(())

    def holds(self, name: str) -> bool:
        """See `Output`."""
        return (self.path / name).exists()


class StoreOutput:
    """A folder of a store that fsspec opens."""

    def __init__(self, location: str):
        self.location = location.rstrip("/")
        self._system, self._base = store_of(self.location)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """See `Output`."""
        try:
            content = parse_json(self._system.cat_file(self._at(name)).decode("utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """See `Output`."""
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        with self._told(name):
            self._made_for(name)
            self._system.pipe_file(self._at(name), text.encode("utf-8", "replace"))

    def put_folder(self, name: str, folder: Path) -> None:
        """See `Output`."""
        with self._told(name):
            if self._system.exists(self._at(name)):
                self._system.rm(self._at(name), recursive=True)
            for file in sorted(files_in(folder), key=lambda file: file == RECORD):
                self.put_file(f"{name}/{file}", folder / file)

    def put_file(self, name: str, file: Path) -> None:
        """See `Output`."""
        with self._told(name):
            self._made_for(name)
            self._system.put_file(str(file), self._at(name))

    def records(self) -> Iterator[str]:
        """See `Output`."""
        try:
            found = self._system.ls(self._at(RECORDS), detail=False)
        except OSError:
            return
        yield from (PurePosixPath(path).stem for path in found if path.endswith(".json"))

    def holds(self, name: str) -> bool:
        """See `Output`."""
        return bool(self._system.exists(self._at(name)))

    def _at(self, name: str) -> str:
        return f"{self._base.rstrip('/')}/{name}"

    def _made_for(self, name: str) -> None:
        """Make the folder of a file, where the store has folders."""
        self._system.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OutputError:
            raise
        except Exception as error:  # each store has exceptions of its own
            said = " ".join(reason(error).split())
            raise OutputError(f"Cannot write {self.location}/{name}: {said}.") from error
