"""The folder of fetched model files: what is there, fetching, checking, removing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ...errors import MissingExtraError, ModelError
from ...scans.files import file_sha256
from ...wording import say
from .download import Progress, ResumingDownloader
from .pins import read_pins, write_pins
from .remote import RemoteFile

# Overrides the folder, for a shared one on a server or a test's own.
FOLDER_VARIABLE = "CT_COUNTERFACTUAL_MODELS"
BYTES_PER_MB = 1e6
PARTIAL_SUFFIX = ".part"
# Where files lie that were made from fetched ones, within the folder.
CONVERTED = "converted"


def default_folder() -> Path:
    """Return the user's folder for model files: $CT_COUNTERFACTUAL_MODELS or the usual cache."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "ct-counterfactual" / "models"


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
        return (self.folder / file.name).is_file()

    def path(self, file: RemoteFile) -> Path:
        """Return a file's path after its digest was checked; raise `ModelError` if it isn't there.

        Checked at every use: reading half a gigabyte takes a second, loading it longer.
        """
        path = self.folder / file.name
        if not path.is_file():
            raise ModelError(
                f"The model file {file.name} ({file.size_bytes / BYTES_PER_MB:.0f} MB) isn't here "
                f"yet. Fetch it by {say('fetch_model')}."
            )
        digest = self._check(file, path)
        if file.name not in read_pins(self.folder):  # put there by hand, as the README allows
            self._pin(file, digest)
        return path

    def digest(self, file: RemoteFile) -> str:
        """Return the SHA-256 that a file had at its first use (`path` checks that it still has)."""
        return read_pins(self.folder)[file.name]

    def fetch(self, file: RemoteFile, progress: Progress | None = None) -> Path:
        """Download a file unless it is there; go on from where an earlier download stopped.

        Raises
        ------
        ModelError
            If offline, if the download fails, or if it isn't the file that was expected.
        """
        if self.has(file):
            return self.path(file)
        if self.offline:
            raise ModelError(
                f"{file.name} isn't in {self.folder}, and the network isn't to be used. Fetch it "
                f"on a machine with a network from {file.url}, and give it by {say('local_file')}."
            )
        try:
            import pooch
        except ImportError as error:
            raise MissingExtraError("pooch", "models", "download models") from error
        self.folder.mkdir(parents=True, exist_ok=True)
        arrived = f".{file.name}.arrived"  # checked before it gets its name
        partial = self.folder / (file.name + PARTIAL_SUFFIX)
        pooch.retrieve(
            file.url, known_hash=None, fname=arrived, path=self.folder,
            downloader=ResumingDownloader(partial, progress),
        )
        return self._admit(file, self.folder / arrived)

    def adopt(self, file: RemoteFile, source: str | Path) -> Path:
        """Take a local file instead of a download; it is copied, checked and pinned."""
        source = Path(source)
        if not source.is_file():
            raise ModelError(f"There is no file {source}.")
        self.folder.mkdir(parents=True, exist_ok=True)
        arrived = self.folder / f".{file.name}.arrived"
        try:
            shutil.copyfile(source, arrived)
        except OSError as error:
            arrived.unlink(missing_ok=True)
            raise ModelError(f"Cannot copy {source} to {self.folder}: {error}.") from error
        return self._admit(file, arrived)

    def remove(self, file: RemoteFile) -> int:
        """Remove a file with its pin and what is left of a download; return the bytes freed."""
        freed = 0
        for path in (self.folder / file.name, self.folder / (file.name + PARTIAL_SUFFIX)):
            if path.is_file():
                freed += path.stat().st_size
                path.unlink()
        pins = read_pins(self.folder)
        if pins.pop(file.name, None):
            write_pins(self.folder, pins)
        return freed

    def clear(self) -> int:
        """Remove the whole folder, downloads, conversions and pins; return the bytes freed."""
        freed = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        shutil.rmtree(self.folder, ignore_errors=True)
        return freed

    def _admit(self, file: RemoteFile, arrived: Path) -> Path:
        """Give a file that has just come its name, if it is the right one; else remove it."""
        try:
            digest = self._check(file, arrived)
        except ModelError:
            arrived.unlink(missing_ok=True)
            raise
        self._pin(file, digest)
        os.replace(arrived, self.folder / file.name)
        return self.folder / file.name

    def _pin(self, file: RemoteFile, digest: str) -> None:
        write_pins(self.folder, {**read_pins(self.folder), file.name: digest})

    def _check(self, file: RemoteFile, path: Path) -> str:
        """Return a file's digest; raise `ModelError` if it is not the known or the pinned one."""
        digest = file_sha256(path)
        pinned = read_pins(self.folder).get(file.name, "")
        for known, whose in ((file.sha256, "its publisher's"), (pinned, "that of its first use")):
            if not digest.startswith(known):
                raise ModelError(
                    f"{file.name} has SHA-256 {digest[:12]}..., but {whose} is {known[:12]}...: it "
                    f"is damaged or was replaced. Remove it and fetch it again; if the publisher "
                    f"changed it, {say('remove_model')} forgets the old digest."
                )
        return digest
