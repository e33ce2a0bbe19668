"""Reading one volume from DICOM: a folder's series, or a multi-frame file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from ...wording import say
from ..hounsfield import AIR_HU
from ..modality import CT
from ..scan import Scan
from .agreement import check_alike, check_each, without_localizers
from .frames import Frame
from .headers import Unread
from .phases import one_phase
from .pixels import read_hu
from .remarks import remarks
from .series import DICOM_INDEX, Contents, choose, contents_of, list_series, named
from .stack import Stack, along_normal, stack


def read_dicom_folder(
    folder: Path, series: str | None, assume_hu: bool, modality: str = CT
) -> Scan:
    """Read the one CT series of a folder, or the one that `series` names.

    Parameters
    ----------
    folder : Path
        Holds the files directly.
    series : str or None
        Number (from 1) in the list of series, or UID; with ".2" behind it the second of several
        phases or acquisitions of that series.
    assume_hu : bool
        Accept another modality than CT, another unit, and values without rescale.

    Raises
    ------
    ScanError
        No series, several and none chosen (they are listed), not CT, slices that don't belong
        together or lack what they need, missing slices, unreadable files.
    """
    try:
        contents = list_series(folder)
    except OSError as error:
        raise ScanError(
            f"Cannot read {error.filename or f'the folder {folder}'}: {error.strerror}. Check its "
            f"permissions, or copy it again."
        ) from error
    return _read(folder, contents, series, assume_hu, folder.resolve().name, modality)


def read_dicom_file(
    path: Path, name: str, series: str | None, assume_hu: bool, modality: str = CT
) -> Scan:
    """Read a multi-frame file as a volume; parameters and errors as `read_dicom_folder`."""
    if path.name == DICOM_INDEX:
        raise ScanError(
            f"{path} is the index of a DICOM medium. Give the folder that holds a series' slices."
        )
    contents = contents_of([path])
    if not contents.series:
        reason = (
            contents.unread[0].reason
            if contents.unread
            else ("holds no image (a structure set, a report, a segmentation)")
        )
        raise ScanError(f"The DICOM file {path} {reason}. Give a CT scan, or copy it again.")
    found = contents.series[0]
    if len(found.frames) < 2:
        frame = found.frames[0]
        raise ScanError(
            f"{path} is a single slice ({frame.columns} x {frame.rows} x 1); a volume of at least "
            f"2 slices is expected. Of a DICOM series, give the folder."
        )
    return _read(path, contents, series, assume_hu, name, modality)


@dataclass(frozen=True)
class SeriesStack:
    """One volume's frames in their places, and how they were chosen.

    Parameters
    ----------
    stack : Stack
        The frames along growing K, and their grid.
    told : str
        The series in words, for messages.
    uid : str
        What `read_scan` takes to choose it again.
    warnings : tuple of (name, message)
        What a reader should know of this series.
    """

    stack: Stack
    told: str
    uid: str
    warnings: tuple[tuple[str, str], ...]


def _read(
    place: Path, contents: Contents, wanted: str | None, assume_hu: bool, name: str, modality: str
) -> Scan:
    found = stacked(place, contents, wanted, assume_hu, modality)
    volume, digest, padded = read_hu(found.stack.frames, found.told)
    return Scan(
        image_of(volume, found.stack),
        name,
        str(place),
        digest,
        (*found.warnings, *_padded(padded)),
        found.uid,
    )


def stacked(
    place: Path, contents: Contents, wanted: str | None, assume_hu: bool, modality: str = CT
) -> SeriesStack:
    """Return the frames of the only series among some files, or of the one that `wanted` names.

    Their pixels aren't read. `place` is where they lie, in words; the rest, and errors, as
    `read_dicom_folder`.
    """
    chosen, phase = choose(place, contents, wanted)
    told = f"The DICOM series {chosen} in {place}"
    if chosen.modality != modality and not (assume_hu and modality == CT):
        insist = f", or use {say('assume_hu', True)} if its values are HU" * (modality == CT)
        raise ScanError(
            f"{told} has modality {chosen.modality or 'unknown'}, "
            f"not {modality}. Choose a {modality} series{insist}."
        )
    assume_hu = assume_hu or modality != CT
    unread = contents.unread_of(chosen)
    frames, warnings = without_localizers(chosen.frames)
    frames, copies = _without_copies(frames)
    if len(frames) < 2:
        raise ScanError(
            f"{told} has a single slice; a volume is expected. {_words(unread)}"
            f"Copy the whole series."
        )
    placed = check_each(frames, told, assume_hu)
    check_alike(placed, told)
    number = str(contents.series.index(chosen) + 1)
    of_phase = one_phase(placed, along_normal(placed), told, number, phase)
    if len(of_phase) < 2:
        raise ScanError(f"{told}: that phase has a single slice; a volume is expected.")
    found = stack(of_phase, told, _words(unread).strip())
    return SeriesStack(
        found,
        told,
        f"{chosen.uid}.{phase}" if phase else chosen.uid,
        (*warnings, *copies, *remarks(frames), *found.warnings, *_unread_warning(unread)),
    )


def _without_copies(
    frames: Sequence[Frame],
) -> tuple[tuple[Frame, ...], tuple[tuple[str, str], ...]]:
    """Return frames without those of files that are copies of others, byte for byte."""
    first: dict[str, Path] = {}
    copies: list[Path] = []
    for frame in frames:
        original = first.setdefault(frame.sop_uid or str(frame.path), frame.path)
        if (
            original != frame.path
            and frame.path not in copies
            and (original.read_bytes() == frame.path.read_bytes())
        ):
            copies.append(frame.path)
    if not copies:
        return tuple(frames), ()
    return tuple(frame for frame in frames if frame.path not in copies), (
        (
            "copies-left-out",
            f"{len(copies)} file(s) are copies of others and were left out: "
            f"{named(path.name for path in copies)}.",
        ),
    )


def image_of(volume: np.ndarray, found: Stack) -> sitk.Image:
    """Return voxels (K, J, I) as an image on a stack's grid."""
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing(found.spacing)
    image.SetOrigin(found.origin)
    image.SetDirection(found.direction)
    return image


def _words(unread: Sequence[Unread]) -> str:
    """Return which files can't be read and why, as a sentence; "" if there are none."""
    if not unread:
        return ""
    return f"{named(f'{file.path.name} {file.reason}' for file in unread)}. "


def _unread_warning(unread: Sequence[Unread]) -> tuple[tuple[str, str], ...]:
    if not unread:
        return ()
    return (
        (
            "unreadable-dicom-files",
            f"{len(unread)} file(s) of the folder can't be read and were left out "
            f"({_words(unread).strip(' .')}); the scan may lack slices. Copy the whole series "
            f"again.",
        ),
    )


def _padded(count: int) -> tuple[tuple[str, str], ...]:
    if not count:
        return ()
    return (
        (
            "padding-as-air",
            f"{count} voxels hold the padding value (0028,0120), which is brighter than air; they "
            f"were read as air ({AIR_HU} HU).",
        ),
    )
