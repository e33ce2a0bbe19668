"""The folder of fetched model files: what is there, fetching, checking, removing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from ...errors import ModelError, OutputError
from ...storage.hashing import file_sha256
from ...storage.lock import LockHeld, take_lock
from ...storage.names import reason
from ...storage.sizes import in_words
from ...wording import say
from .download import Check, Progress, download
from .folder import FOLDER_VARIABLE, check_folder, default_folder, make_folder
from .kinds import check_kind
from .local_file import copy_local
from .partial import PARTIAL_SUFFIX, drop_partial
from .pins import read_pins, update_pins
from .remote import RemoteFile

__all__ = ["FOLDER_VARIABLE", "PARTIAL_SUFFIX", "ModelCache", "default_folder"]

POLL_S = 0.1


@dataclass(frozen=True)
class ModelCache:
    """The model files of one folder.

    Parameters
    ----------
    folder : Path
        Made when the first file comes.
    offline : bool
        Never touch the network: what isn't here is an error that says what to do.
    """

    folder: Path
    offline: bool = False

    def has(self, file: RemoteFile) -> bool:
        """Tell whether the file is there; says nothing on its content."""
        return os.path.isfile(self.folder / file.name)

    def path(self, file: RemoteFile) -> Path:
        """Return a file's path after its digest was checked; raise `ModelError` if it isn't there.

        Checked at every use: reading half a gigabyte takes a second, loading it longer.
        """
        return self.checked(file)[0]

    def checked(self, file: RemoteFile) -> tuple[Path, str]:
        """Return a file's path and the SHA-256 that it was just found to have; see `path`."""
        path = self.folder / file.name
        if not self.has(file):
            check_folder(self.folder)
            size = f" ({in_words(file.size_bytes)})" if file.size_bytes else ""
            raise ModelError(
                f"The model file {file.name}{size} isn't here yet. Fetch it by "
                f"{say('fetch_model')}."
            )
        try:
            digest = file_sha256(path)
        except OSError as error:
            raise ModelError(f"The model file {path} can't be read: {reason(error)}.") from error
        pins = read_pins(self.folder)
        self._check(file, path, digest, pins.get(file.name, ""))
        if file.name not in pins:  # put there by hand, as the README allows
            with suppress(OutputError):  # where nobody can write, nobody replaces it either
                update_pins(self.folder, {file.name: digest})
        return path, digest

    def fetch(
        self, file: RemoteFile, progress: Progress | None = None, check: Check | None = None
    ) -> Path:
        """Download a file unless it is there; go on from where an earlier download stopped.

        Parameters
        ----------
        file : RemoteFile
            Which.
        progress : callable, optional
            Told how many bytes there are, of how many.
        check : callable, optional
            Called several times a second; raises to stop. What has arrived is kept.

        Raises
        ------
        ModelError
            If offline, if the download fails, or if it isn't the file that was expected.
        """
        if self.has(file):
            if self._lock_path(file).exists():  # left by a process that was killed at the very end
                with suppress(OutputError):
                    take_lock(self._lock_path(file), file.name).release()
            return self.path(file)
        if self.offline:
            raise ModelError(
                f"{file.name} isn't in {self.folder}, and the network isn't to be used. Fetch it "
                f"on a machine with a network from {file.url}, and give it by {say('local_file')}."
            )
        make_folder(self.folder)
        read_pins(self.folder)  # a damaged record is found before a long download, not after it
        with self._alone(file, check):
            if self.has(file):  # another process has brought it meanwhile
                return self.path(file)
            return self._admit(file, *download(file, self.folder / file.name, progress, check))

    def adopt(self, file: RemoteFile, source: str | Path, check: Check | None = None) -> Path:
        """Take a local file instead of a download; it is copied, checked and pinned.

        Raises
        ------
        ModelError
            If it can't be read, is no ordinary file, or isn't the file that was expected.
        """
        make_folder(self.folder)
        read_pins(self.folder)
        with self._alone(file, check):
            arrived = self.folder / f".{file.name}.arrived"
            digest = copy_local(file, Path(source), arrived, check or (lambda: None))
            return self._admit(file, arrived, digest)

    def remove(self, file: RemoteFile) -> int:
        """Remove a file with its pin and what is left of a download; return the bytes freed.

        Raises
        ------
        ModelError
            If it can't be removed, or another process is fetching it.
        """
        path = self.folder / file.name
        check_folder(self.folder)
        if not self.folder.is_dir():
            return 0
        try:
            with self._alone(file, wait=False):
                freed = drop_partial(path) + _unlink(path)
                _unlink(self.folder / f".{file.name}.arrived")
                if file.name in read_pins(self.folder):
                    update_pins(self.folder, {file.name: None})
        except OSError as error:
            raise ModelError(f"Cannot remove {path}: {reason(error)}.") from error
        return freed

    def _lock_path(self, file: RemoteFile) -> Path:
        return self.folder / f".{file.name}.lock"

    @contextmanager
    def _alone(
        self, file: RemoteFile, check: Check | None = None, wait: bool = True
    ) -> Iterator[None]:
        """Keep other processes from the same file; wait for one that was first, or refuse."""
        lock = None
        while lock is None:
            try:
                lock = take_lock(self._lock_path(file), f"The file {file.name}")
            except LockHeld as held:
                if not wait:
                    raise ModelError(str(held)) from held
                if check is not None:
                    check()
                sleep(POLL_S)
            except OutputError as error:
                raise ModelError(str(error)) from error
        try:
            yield
        finally:
            lock.release()

    def _admit(self, file: RemoteFile, arrived: Path, digest: str) -> Path:
        """Give a file that has just come its name, if it is the right one; else remove it."""
        final = self.folder / file.name
        try:
            self._check(file, arrived, digest, read_pins(self.folder).get(file.name, ""))
        except ModelError:
            drop_partial(final)
            arrived.unlink(missing_ok=True)
            raise
        os.replace(arrived, final)
        drop_partial(final)
        update_pins(self.folder, {file.name: digest})
        return final

    def _check(self, file: RemoteFile, path: Path, digest: str, pinned: str) -> None:
        """Raise `ModelError` if a file isn't the known or pinned one, or can't be it."""
        for known, whose in ((file.sha256, "its publisher's"), (pinned, "that of its first use")):
            if not digest.startswith(known):
                raise ModelError(
                    f"{file.name} has SHA-256 {digest[:12]}..., but {whose} is {known[:12]}...: it "
                    f"is damaged or was replaced. Remove it and fetch it again; if the publisher "
                    f"changed it, {say('remove_model')} forgets the old digest."
                )
        if not pinned:
            check_kind(path, file.name)
            file.check_size(path.stat().st_size, f"{path} has")


def _unlink(path: Path) -> int:
    """Remove a file if it is there; return its size."""
    try:
        size = path.lstat().st_size
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return size
