"""What the new files refer to: the input's DICOM images, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import OutputError, ScanError
from ...scans.dicom.frames import PlacedFrame
from ...scans.dicom.headers import is_dicom
from ...scans.dicom.pixels import read_hu
from ...scans.dicom.read import SeriesStack, image_of, stacked
from ...scans.dicom.series import Contents, contents_of, list_series
from ...scans.pieces import pieces
from ...scans.scan import Scan
from ...storage.names import reason
from ...wording import say
from .headers import CT_IMAGE, PATIENT, STUDY, complete, read_headers
from .plain import plain_headers
from .turn import Turn, find_turn

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# HU by which a scan with fractions may differ from its series: some files keep fewer digits.
FRACTION_TOLERANCE_HU = 0.01


@dataclass(frozen=True)
class Source:
    """Headers to build the new images on, one a slice, and how the scan's voxels come to them.

    Parameters
    ----------
    headers : tuple of Dataset
        Along the series' slices; of the input's images, or made for one that isn't DICOM.
    turn : Turn
        From the scan's axes to the series'.
    series : str
        UID of the input's series; empty without one.
    referable : bool
        Whether segmentations and maps can refer to the input's own images: single-frame CT images
        with a frame of reference. Otherwise the scan is written along for them.
    frames : tuple of PlacedFrame
        The input's frames; empty without a series.
    left_out : tuple of str
        Elements of the input that no new file may hold.
    """

    headers: tuple[Dataset, ...]
    turn: Turn
    series: str = ""
    referable: bool = False
    frames: tuple[PlacedFrame, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def empty(self) -> tuple[str, ...]:
        """Keywords of patient and study that are empty in the new files."""
        first = self.headers[0]
        return tuple(name for name in (*PATIENT, *STUDY) if not str(first.get(name) or ""))


def source_of(scan: Scan, place: str | Path | Sequence[Path] | None = None) -> Source:
    """Find the DICOM images that a scan was read from, or make headers without any patient's data.

    Parameters
    ----------
    scan : Scan
        That was explained.
    place : str, Path or sequence of Path, optional
        Folder, multi-frame file or files with the series, perhaps among others: the one with the
        scan's voxels is found. None: where the scan was read from.

    Raises
    ------
    ScanError
        If there is no series, or it can't be read.
    OutputError
        If none is the scan that was explained: another grid, or other voxels; or the scan's rows
        and columns aren't at right angles, which no DICOM image can be.
    """
    wanted = None
    if place is None:
        if not scan.series:
            return Source(plain_headers(scan), Turn())
        place, wanted = Path(scan.path), scan.series
        if not place.exists():
            raise OutputError(
                f"The DICOM series that was explained isn't at {place} any more. Say where it is "
                f"by {say('dicom_series', 'FOLDER')}."
            )
    try:
        where, contents = _contents(place)
        found, turn = _matching(scan, where, contents, wanted)
        headers, left_out = read_headers(found.stack.frames)
    except OSError as error:
        raise ScanError(
            f"Cannot read {error.filename or place}: {reason(error)}. Copy the series again."
        ) from error
    referable = _referable(headers, found)
    complete(headers, found.stack.spacing[2])
    return Source(headers, turn, found.uid, referable, found.stack.frames, left_out)


def _contents(place: str | Path | Sequence[Path]) -> tuple[Path, Contents]:
    """Return where the DICOM files are, in words, and the series that they make up."""
    if not isinstance(place, (str, Path)):
        if not place:
            raise ScanError("No DICOM files are given. Give the files of the scan's series.")
        return Path(place[0]).parent, contents_of(Path(path) for path in place)
    place = Path(place)
    if place.is_dir():
        return place, list_series(place)
    if not is_dicom(place):
        raise ScanError(
            f"{place} is no folder of DICOM files and no DICOM file. Give the folder that holds "
            f"the series' slices."
        )
    return place, contents_of([place])


def _matching(
    scan: Scan, where: Path, contents: Contents, wanted: str | None
) -> tuple[SeriesStack, Turn]:
    """Return the series that is the scan, and the turn to it; of several the first that is."""
    several = wanted is None and len(contents.series) > 1
    names = [series.uid for series in contents.series] if several else [wanted]
    for name in names:
        try:
            found = stacked(where, contents, name, assume_hu=True)
            return found, _checked_turn(scan, found)
        except (OutputError, ScanError):
            if not several:
                raise
    raise OutputError(
        f"None of the {len(names)} DICOM series in {where} is the scan that was explained. Give "
        f"the folder of the series that the scan was made from."
    )


def _referable(headers: Sequence[Dataset], found: SeriesStack) -> bool:
    """Tell whether each slice is a CT image of its own, all in one frame of reference."""
    references = {str(header.get("FrameOfReferenceUID") or "") for header in headers}
    named = all(header.get("SOPInstanceUID") for header in headers)
    own = all(frame.of == 1 for frame in found.stack.frames)
    kinds = {str(header.get("SOPClassUID")) for header in headers}
    return named and own and kinds == {CT_IMAGE} and len(references) == 1 and "" not in references


def _checked_turn(scan: Scan, found: SeriesStack) -> Turn:
    """Return how the scan's voxels come to the series' slices, making sure that they are its own.

    Raises
    ------
    OutputError
        If they aren't.
    """
    volume, _, _ = read_hu(found.stack.frames, found.told)
    own = Scan(image_of(volume, found.stack))
    turn = find_turn(scan.size, scan.ijk_to_ras(), own.size, own.ijk_to_ras())
    if turn is None:
        raise OutputError(
            f"{found.told} is not the scan that was explained: it has {_grid(own)}, that one "
            f"{_grid(scan)}, or it lies elsewhere. Give the series that the scan was made from."
        )
    turned = turn.apply(scan.array)
    fractions = "f" in (turned.dtype.kind, volume.dtype.kind)
    allowed = FRACTION_TOLERANCE_HU if fractions else 0.0
    other = 0
    for part in pieces(volume.shape):
        apart = np.abs(turned[part].astype(np.float64) - volume[part])
        other += int(np.count_nonzero(apart > allowed))
    if other:
        raise OutputError(
            f"{found.told} is not the scan that was explained: {other} of {volume.size} voxels "
            f"differ. Give the series that the scan was made from."
        )
    return turn


def _grid(scan: Scan) -> str:
    extent = " x ".join(str(n) for n in scan.size)
    return f"{extent} voxels of {' x '.join(f'{s:.4g}' for s in scan.spacing)} mm"
