"""One DICOM file's header: told from other files, read without its pixels, judged as whole."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PREAMBLE_BYTES = 128
MAGIC = b"DICM"
# A data set without preamble begins with group 2 or 8: with a two-letter type (explicit), or with
# a length that fits into such a group (implicit).
FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")
FIRST_ELEMENT_BYTES = 8
MAX_FIRST_LENGTH = 1024
# Transfer syntaxes whose pixels are plain numbers: implicit, explicit, deflated, big endian.
IMPLICIT_LITTLE, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
NATIVE = (IMPLICIT_LITTLE, "1.2.840.10008.1.2.1", DEFLATED, BIG_ENDIAN)
# Image objects that are no scans: segmentations and doses.
NO_SCANS = ("SEG", "RTDOSE")
PIXEL_DATA = 0x7FE00010
# Longer values (the pixels) are left where they are; only their place and length are read.
DEFER_BYTES = 1 << 16
# What is read of a header; a few among a hundred and more.
TAGS = (
    "PatientID", "StudyInstanceUID", "SOPClassUID", "SOPInstanceUID",
    "ImageType", "Modality", "SeriesInstanceUID", "FrameOfReferenceUID",
    "SeriesDescription", "AcquisitionNumber", "InstanceNumber", "ContrastBolusAgent",
    "SliceThickness", "SpacingBetweenSlices", "KVP", "ConvolutionKernel", "TriggerTime",
    "ReconstructionDiameter",
    "NominalPercentageOfCardiacPhase", "TemporalPositionIdentifier", "TemporalPositionIndex",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SamplesPerPixel",
    "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "BitsAllocated",
    "RescaleIntercept", "RescaleSlope", "RescaleType", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "PixelData",
)  # fmt: skip


@dataclass(frozen=True)
class Unread:
    """A file that can't be used, and why, as it completes "FILE ..."; its series if known."""

    path: Path
    reason: str
    series_uid: str = ""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's warnings on odd values from the terminal: what matters is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def is_dicom(path: Path) -> bool:
    """Tell a DICOM file by its magic word, or by its first element where there is no preamble."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(PREAMBLE_BYTES + len(MAGIC))
    return head[PREAMBLE_BYTES:] == MAGIC or _begins_like_dicom(head)


def read_header(path: Path) -> Dataset | Unread | None:
    """Return the header of a DICOM file, why it can't be used, or None for no scan's image.

    None: structure sets, reports, presentation states, segmentations, indices (DICOMDIR).
    """
    import pydicom  # here: Slicer loads the engine at start-up

    with quiet():
        try:
            header = pydicom.dcmread(
                path, defer_size=DEFER_BYTES, force=True, specific_tags=list(TAGS)
            )
            return _judged(path, header)
        except EOFError:
            return Unread(path, "is truncated")
        except OSError:
            raise
        except Exception as error:  # pydicom raises many kinds on damaged files
            return Unread(path, f"is damaged ({one_line(error)})")


def transfer_syntax(header: Dataset) -> str:
    """Return the UID of a file's transfer syntax; that of plain numbers where none is told."""
    meta = getattr(header, "file_meta", None)
    uid = str(meta.get("TransferSyntaxUID", "")) if meta is not None else ""
    if uid:
        return uid
    return IMPLICIT_LITTLE if header.original_encoding[1] is not False else BIG_ENDIAN


def text(header: Dataset, keyword: str) -> str:
    """Return a value as one printable line; "" if it isn't there or can't be read."""
    try:
        value = header.get(keyword)
    except (NotImplementedError, ValueError):  # of an unknown or a wrong type
        return ""
    if value is None:
        return ""
    words = "".join(c if c.isprintable() else " " for c in str(value)).split()
    return " ".join(words)


def _judged(path: Path, header: Dataset) -> Any:
    """Return the header of a whole image, else `Unread` or None."""
    from pydicom.uid import UID

    meta = getattr(header, "file_meta", None)
    # An index has no SOP class of its own.
    kind = text(header, "SOPClassUID") or (text(meta, "MediaStorageSOPClassUID") if meta else "")
    series = text(header, "SeriesInstanceUID")
    if text(header, "Modality") in NO_SCANS:
        return None
    if not all(header.get(keyword) for keyword in ("Rows", "Columns", "BitsAllocated")):
        if kind and "Image Storage" not in UID(kind).name:
            return None
        return Unread(path, "is truncated within its header", series)
    if transfer_syntax(header) in NATIVE and (lacking := _lacking_pixels(path, header)):
        return Unread(path, lacking, series)
    return header


def _lacking_pixels(path: Path, header: Dataset) -> str:
    """Return in words what a file's plain pixels lack; "" if they are all there."""
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    if "PixelData" not in header:
        return "is truncated before its pixels, or holds pixels of another kind than whole numbers"
    shape = [int(header.get(k) or 1) for k in ("Rows", "Columns", "NumberOfFrames",
                                               "SamplesPerPixel")]  # fmt: skip
    needed = math.prod(shape) * int(header.BitsAllocated) // 8
    pixels = dict(header.items())[Tag(PIXEL_DATA)]  # `get_item` would read what was deferred
    assert isinstance(pixels, RawDataElement)  # nothing has looked at the value yet
    there = pixels.length
    if transfer_syntax(header) != DEFLATED:  # of the unpacked stream the file's end says nothing
        there = min(there, path.stat().st_size - pixels.value_tell)
    return f"is truncated ({there} of {needed} bytes of pixels)" if there < needed else ""


def _begins_like_dicom(head: bytes) -> bool:
    if len(head) < FIRST_ELEMENT_BYTES or head[:2] not in FIRST_GROUPS:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    return explicit or int.from_bytes(head[4:8], "little") <= MAX_FIRST_LENGTH


def one_line(error: Exception) -> str:
    """Return the beginning of an error's message as one line."""
    return " ".join(str(error).split())[:100] or type(error).__name__
