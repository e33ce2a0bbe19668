"""Frames: one slice of a file each, with what says where it lies and what its values mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .headers import Unread, one_line, quiet, text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

LOCALIZER = "LOCALIZER"
# The least that a frame takes in a file: the head of its compressed pixels.
LEAST_FRAME_BYTES = 8


@dataclass(frozen=True)
class Frame:
    """One slice: a whole single-frame file, or one frame of a multi-frame file.

    Parameters
    ----------
    path : Path
        The file.
    number : int
        Which of the file's frames, from 0.
    of : int
        How many frames the file has.
    rows, columns : int
        Pixels.
    position : tuple of float or None
        LPS mm of the first pixel's centre; None where it lacks or isn't three numbers.
    orientation : tuple of float or None
        Directions of growing column and row index, LPS (6).
    pixel_spacing : tuple of float or None
        mm between rows, between columns.
    slope, intercept : float or None
        HU = slope * stored + intercept.
    rescale_type : str
        "HU" or "", or another unit.
    thickness, between : float or None
        Slice thickness, and distance of slices as the scanner tells it, mm.
    instance : int or None
        Number of the image in its series (of a frame in its stack).
    photometric : str
        MONOCHROME1, MONOCHROME2 or a kind of colour.
    localizer : bool
        Whether it calls itself a localizer.
    sop_uid : str
        The file's own UID.
    phase : dict
        What tells phases and acquisitions apart: name in words -> value.
    """

    path: Path
    number: int
    of: int
    rows: int
    columns: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, ...] | None
    slope: float | None
    intercept: float | None
    rescale_type: str
    thickness: float | None
    between: float | None
    instance: int | None
    photometric: str
    localizer: bool
    sop_uid: str
    phase: dict[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.path.name}, frame {self.number + 1}" if self.of > 1 else self.path.name


@dataclass(frozen=True)
class PlacedFrame(Frame):
    """A frame that says where its pixels lie; `agreement.check_each` makes it."""

    position: tuple[float, float, float]
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, float]


# Name in words -> keywords that tell phases apart, the surest first.
PHASES = {
    "patient": ("PatientID",),
    "study": ("StudyInstanceUID",),
    "frame of reference": ("FrameOfReferenceUID",),
    "acquisition": ("AcquisitionNumber", "FrameAcquisitionNumber"),
    "temporal position": ("TemporalPositionIdentifier", "TemporalPositionIndex"),
    "cardiac phase": ("NominalPercentageOfCardiacPhase",),
    "trigger time": ("TriggerTime",),
    "contrast agent": ("ContrastBolusAgent",),
    "stack": ("StackID",),
    "kernel": ("ConvolutionKernel",),
    "kVp": ("KVP",),
    "field of view": ("ReconstructionDiameter",),
    "image type": ("FrameType", "ImageType"),
}


def frames_of(path: Path, header: Dataset) -> tuple[Frame, ...] | Unread:
    """Return the frames of a file in file order, or why it can't be used."""
    with quiet():
        try:
            count = int(header.get("NumberOfFrames") or 1)
            described = len(header.get("PerFrameFunctionalGroupsSequence") or ())
            if not 1 <= count <= path.stat().st_size // LEAST_FRAME_BYTES:
                damage = f"it can't hold the {count} frames it tells of"
            elif described not in (0, count):
                damage = f"it tells of {count} frames and describes {described}"
            else:
                return tuple(_frames(path, header, count))
        except OSError:
            raise
        except Exception as error:  # pydicom raises many kinds on damaged values
            damage = one_line(error)
        return Unread(path, f"is damaged ({damage})", text(header, "SeriesInstanceUID"))


def _frames(path: Path, header: Dataset, count: int) -> Iterator[Frame]:
    """Yield the frames of a file; what a frame doesn't say, its file says."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = merged_groups(header.get("SharedFunctionalGroupsSequence"))
    for number in range(count):
        own = merged_groups(per_frame[number : number + 1])
        # The file's own position is that of its only frame.
        places = [own, shared, header] if count == 1 else [own, shared]
        yield Frame(
            path=path,
            number=number,
            of=count,
            rows=int(header.Rows),
            columns=int(header.Columns),
            position=_numbers(places, "ImagePositionPatient", 3),
            orientation=_numbers([own, shared, header], "ImageOrientationPatient", 6),
            pixel_spacing=_numbers([own, shared, header], "PixelSpacing", 2),
            slope=_number([own, shared, header], "RescaleSlope"),
            intercept=_number([own, shared, header], "RescaleIntercept"),
            rescale_type=_text([own, shared, header], ("RescaleType",)),
            thickness=_number([own, shared, header], "SliceThickness"),
            between=_number([own, shared, header], "SpacingBetweenSlices"),
            instance=_instance(own, header, count),
            photometric=text(header, "PhotometricInterpretation"),
            localizer=LOCALIZER in _text([own, shared, header], PHASES["image type"]).upper(),
            sop_uid=text(header, "SOPInstanceUID"),
            phase={n: _text([own, shared, header], keys) for n, keys in PHASES.items()}
            | {"file": path.name if count > 1 else ""},
        )


def merged_groups(groups) -> Dataset:
    """Return one data set with all that the macros of a functional group item say."""
    from pydicom.dataset import Dataset

    merged = Dataset()
    for item in groups or []:
        for element in item:
            if element.VR == "SQ":
                for inner in element.value[:1]:
                    merged.update(inner)
    return merged


def _numbers(places: list[Dataset], keyword: str, count: int) -> tuple[float, ...] | None:
    """Return a value of `count` finite numbers from the first place that has it, else None."""
    for place in places:
        if keyword not in place:
            continue
        try:
            value = place[keyword].value
            numbers = tuple(float(v) for v in ([value] if count == 1 else value))
        except (NotImplementedError, TypeError, ValueError):
            return None
        return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None
    return None


def _number(places: list[Dataset], keyword: str) -> float | None:
    found = _numbers(places, keyword, 1)
    return None if found is None else found[0]


def _text(places: list[Dataset], keywords: tuple[str, ...]) -> str:
    for keyword in keywords:
        for place in places:
            if keyword in place and (found := text(place, keyword)):
                return found
    return ""


def _instance(own: Dataset, header: Dataset, count: int) -> int | None:
    keyword, place = ("InStackPositionNumber", own) if count > 1 else ("InstanceNumber", header)
    number = _number([place], keyword)
    return None if number is None else int(number)
