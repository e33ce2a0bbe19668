"""The series of a folder: found by their headers, listed, and chosen by the user."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ScanError
from ...wording import say
from .frames import Frame, frames_of
from .headers import Unread, is_dicom, read_header, text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# The index of a DICOM medium: DICOM itself, but no image.
DICOM_INDEX = "DICOMDIR"
MAX_LISTED = 10
# How many folders are looked into for the advice where a series may lie.
MAX_FOLDERS = 200


@dataclass(frozen=True)
class Series:
    """One series: its UID, description, modality and frames in the order of files and frames."""

    uid: str
    description: str
    modality: str
    frames: tuple[Frame, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """Its files, each once."""
        return tuple(dict.fromkeys(frame.path for frame in self.frames))

    def __str__(self) -> str:
        count = len(self.files)
        files = "1 file" if count == 1 else f"{count} files"
        if len(self.frames) > count:
            files += f" of {len(self.frames)} frames"
        return f"{self.description or 'no description'} ({self.modality or 'unknown'}, {files})"


@dataclass(frozen=True)
class Contents:
    """What a folder holds: series, largest first; files that can't be used; folders with DICOM."""

    series: tuple[Series, ...]
    unread: tuple[Unread, ...]
    folders: tuple[Path, ...]

    def unread_of(self, chosen: Series) -> tuple[Unread, ...]:
        """Return the files that may be missing from a series: its own, and those of none known."""
        suffixes = {path.suffix.lower() for path in chosen.files}
        return tuple(
            file
            for file in self.unread
            if file.series_uid in ("", chosen.uid)
            and (file.series_uid or file.path.suffix.lower() in suffixes)
        )


def list_series(folder: Path) -> Contents:
    """Return the DICOM series directly in a folder, from the header of each of its files.

    Raises
    ------
    OSError
        If the folder or one of its files can't be read.
    """
    paths = sorted(folder.iterdir())
    contents = contents_of(path for path in paths if path.is_file() and path.name != DICOM_INDEX)
    folders = () if contents.series else tuple(_folders_with_dicom(folder))
    return Contents(contents.series, contents.unread, folders)


def _folders_with_dicom(folder: Path) -> Iterator[Path]:
    """Yield folders at any depth below that hold DICOM files, the first few of them."""
    found = 0
    for place, folders, files in islice(os.walk(folder), MAX_FOLDERS):
        folders.sort()
        if found == MAX_LISTED:
            return
        paths = (Path(place) / name for name in sorted(files) if name != DICOM_INDEX)
        if place != str(folder) and any(map(is_dicom, islice(paths, MAX_LISTED))):
            found += 1
            yield Path(place).relative_to(folder)


def contents_of(paths: Iterable[Path]) -> Contents:
    """Return the series that some files make up."""
    found: dict[str, list[tuple[Dataset, tuple[Frame, ...]]]] = {}
    unread = []
    for path in paths:
        if path.name.startswith("."):
            continue
        if not is_dicom(path):
            empty = path.stat().st_size == 0
            unread.append(Unread(path, "is empty (0 bytes)" if empty else "isn't DICOM"))
            continue
        header = read_header(path)
        if isinstance(header, Unread):
            unread.append(header)
        elif header is not None:
            frames = frames_of(path, header)
            if isinstance(frames, Unread):
                unread.append(frames)
            else:
                found.setdefault(text(header, "SeriesInstanceUID"), []).append((header, frames))
    series = [_series(uid, files) for uid, files in found.items()]
    ordered = sorted(series, key=lambda s: (-len(s.frames), s.uid))
    return Contents(tuple(ordered), tuple(unread), ())


def choose(place: Path, contents: Contents, wanted: str | None) -> tuple[Series, str]:
    """Return the series that `wanted` names ("2", its UID; ".3" behind it: its third phase).

    Returns
    -------
    series : Series
    phase : str
        What stands behind the series: number of a phase, or "".
    """
    found = contents.series
    if not found:
        raise ScanError(_nothing(place, contents))
    listing = "; ".join(f"{n}: {s}" for n, s in enumerate(found[:MAX_LISTED], start=1))
    if wanted is None:
        if len(found) == 1:
            return found[0], ""
        raise ScanError(
            f"The folder {place} holds {len(found)} DICOM series. Choose one with "
            f"{say('series', 'NUMBER')}: {listing}."
        )
    for number, series in enumerate(found, start=1):
        if wanted in (str(number), series.uid):
            return series, ""
        for name in (str(number), series.uid):
            if name and wanted.startswith(name + ".") and wanted[len(name) + 1 :].isdigit():
                return series, wanted[len(name) + 1 :]
    raise ScanError(f"There is no series {wanted!r} in {place}. Choose one of: {listing}.")


def named(files: Iterable[object]) -> str:
    """Return names in words, the first few of many."""
    names = [str(file) for file in files]
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def _series(uid: str, files: list[tuple[Dataset, tuple[Frame, ...]]]) -> Series:
    header = files[0][0]
    frames = tuple(frame for _, each in files for frame in each)
    return Series(uid, text(header, "SeriesDescription"), text(header, "Modality"), frames)


def _nothing(place: Path, contents: Contents) -> str:
    if contents.folders:
        return (
            f"The folder {place} holds no DICOM series itself, but its folder(s) "
            f"{named(contents.folders)} do. "
            f"Give the folder that holds the slices themselves."
        )
    damaged = [file for file in contents.unread if file.reason != "isn't DICOM"]
    if damaged:
        return (
            f"The folder {place} holds no DICOM series that can be read: "
            f"{damaged[0].path.name} {damaged[0].reason}"
            f"{f', so are {len(damaged) - 1} more' if len(damaged) > 1 else ''}. Copy it again."
        )
    return (
        f"The folder {place} holds no DICOM series that can be read. Give the folder that "
        f"holds the slices themselves, or an image file."
    )
