"""Scans of a store as files of this computer, in a folder that doesn't grow without bound."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path, PurePosixPath

from ..errors import ScanError
from ..storage.names import reason
from ..storage.sizes import in_words
from .locations import is_url, plain, store_of

_HASH_DIGITS = 16


class InputCache:
    """Fetches files and folders by their URLs; the least recently used give way.

    Parameters
    ----------
    folder : Path
        To keep them in; made when it is needed. It belongs to one process.
    most : int
        Bytes that it may hold.
    """

    def __init__(self, folder: Path, most: int):
        self._folder = folder
        self._most = most
        self._held: dict[str, tuple[Path, int]] = {}  # least recently used first
        self._pinned: set[str] = set()

    def release(self) -> None:
        """Let what has been asked for so far give way; called where a case begins."""
        self._pinned.clear()

    def local(self, location: str) -> Path:
        """Return where a file or folder lies on this computer, fetched if it has to be.

        Raises
        ------
        ScanError
            If it isn't there, can't be fetched, or is larger than the cache.
        """
        if not is_url(location):
            return Path(plain(location))
        self._pinned.add(location)
        if location in self._held:
            self._held[location] = self._held.pop(location)
            return self._held[location][0]
        try:
            return self._fetch(location)
        except ScanError:
            raise
        except Exception as error:  # each store has exceptions of its own
            raise ScanError(
                f"Cannot fetch {location}: {' '.join(reason(error).split())}."
            ) from error

    def _fetch(self, location: str) -> Path:
        system, inner = store_of(location)
        size = int(system.du(inner))
        self._make_room(location, size)
        digest = hashlib.sha256(location.encode()).hexdigest()[:_HASH_DIGITS]
        place = self._folder / digest / PurePosixPath(inner.rstrip("/")).name
        shutil.rmtree(place.parent, ignore_errors=True)
        place.parent.mkdir(parents=True)
        try:
            if system.isdir(inner):
                system.get(inner.rstrip("/") + "/", str(place) + "/", recursive=True)
            else:
                system.get_file(inner, str(place))
        except BaseException:
            shutil.rmtree(place.parent, ignore_errors=True)
            raise
        self._held[location] = place, size
        return place

    def _make_room(self, location: str, size: int) -> None:
        for other in [name for name in self._held if name not in self._pinned]:
            if self._total() + size <= self._most:
                break
            place, _ = self._held.pop(other)
            shutil.rmtree(place.parent, ignore_errors=True)
        if self._total() + size > self._most:
            raise ScanError(
                f"{location} has {in_words(size)}, which is more than the cache may hold beside "
                f"what its case needs, too ({in_words(self._most)}): allow more."
            )

    def _total(self) -> int:
        return sum(size for _, size in self._held.values())
