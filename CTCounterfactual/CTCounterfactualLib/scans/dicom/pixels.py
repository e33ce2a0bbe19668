"""Stored pixel values, read file by file as they are: never inverted, padding told apart."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from ..hounsfield import AIR_HU
from ..pixel_types import holds
from .frames import Frame
from .headers import BIG_ENDIAN, NATIVE, quiet, transfer_syntax

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Compressed transfer syntaxes that ITK's GDCM decodes: RLE, JPEG, JPEG-LS, JPEG 2000.
DECODED = (
    "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
)  # fmt: skip
# What makes GDCM change values, or look for frames of an enhanced object, in a copy to decode.
_INTERPRETING = (
    "RescaleSlope", "RescaleIntercept", "RescaleType", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "ModalityLUTSequence", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "DimensionIndexSequence",
)  # fmt: skip
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_MULTI_FRAME_CAPTURE = {8: "1.2.840.10008.5.1.4.1.1.7.2", 16: "1.2.840.10008.5.1.4.1.1.7.3"}
CONTAINER_BITS = (8, 16, 32)


def read_hu(frames: Sequence[Frame], told: str) -> tuple[np.ndarray, str, int]:
    """Read frames' values in HU, each by its own slope and intercept.

    Parameters
    ----------
    frames : sequence of Frame
        In the order of the volume's slices, all of one size.
    told : str
        The series in words, for errors.

    Returns
    -------
    hu : numpy.ndarray
        (K, J, I), the least of int16, int32 and float32 that holds all values.
    sha256 : str
        Digest of the files' digests in the order of their first slices.
    padded : int
        Voxels whose padding value was brighter than air and became air.

    Raises
    ------
    ScanError
        Naming the file that is truncated, damaged, or compressed in a way that isn't decoded.
    """
    volume = np.zeros((len(frames), frames[0].rows, frames[0].columns), np.int16)
    digest = hashlib.sha256()
    padded = 0
    places: dict[Path, list[int]] = {}
    for k, frame in enumerate(frames):
        places.setdefault(frame.path, []).append(k)
    for path, slices in places.items():
        data = path.read_bytes()
        digest.update(hashlib.sha256(data).digest())
        stored, padding = _stored(path, data, frames[slices[0]].of, told)
        for k in slices:
            frame = frames[k]
            hu = _in_hu(stored[frame.number], frame)
            outside = padding[frame.number] if padding is not None else None
            if outside is not None:
                padded += int(np.count_nonzero(hu[outside] > AIR_HU))
                hu[outside] = np.minimum(hu[outside], AIR_HU)
            volume = _wide_enough(volume, hu)
            volume[k] = hu
    return volume, digest.hexdigest(), padded


def _in_hu(stored: np.ndarray, frame: Frame) -> np.ndarray:
    """Return slope * stored + intercept as a new array, whole numbers where all three are."""
    slope = 1.0 if frame.slope is None else frame.slope
    intercept = 0.0 if frame.intercept is None else frame.intercept
    if slope.is_integer() and intercept.is_integer():
        return stored.astype(np.int64) * int(slope) + int(intercept)
    return stored * slope + intercept  # float64


def _wide_enough(volume: np.ndarray, hu: np.ndarray) -> np.ndarray:
    """Return the volume in a type that also holds the slice `hu`."""
    whole = hu.dtype.kind == "i" or bool(np.array_equal(hu, np.rint(hu)))
    needed = np.dtype(holds(hu.min(), hu.max(), whole))
    wide = (
        np.float32
        if np.float32 in (volume.dtype, needed)
        else max(volume.dtype, needed, key=lambda dtype: dtype.itemsize)
    )
    return volume.astype(wide, copy=False)


def _stored(
    path: Path, data: bytes, frames: int, told: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return stored values (frames, J, I), and where they are padding (same shape) or None."""
    import pydicom

    with quiet():
        try:
            header = pydicom.dcmread(BytesIO(data), force=True)
            syntax = transfer_syntax(header)
            raw = header.get_item("PixelData").value if "PixelData" in header else None
        except Exception as error:  # pydicom raises many kinds on damaged files
            raise ScanError(_damaged(path, told)) from error
        if raw is None:
            raise ScanError(_damaged(path, told))
        shape = (frames, int(header.Rows), int(header.Columns))
        if syntax not in NATIVE:
            values = _decoded(path, header, syntax, shape, told)
            return values, _padding(header, values, values)
        bits = int(header.BitsAllocated)
        if bits not in CONTAINER_BITS:
            raise ScanError(
                f"{told} has {bits} bits a pixel in {path.name}; 8, 16 or 32 are expected. "
                f"Export it again."
            )
        order = ">" if syntax == BIG_ENDIAN else "<"
        count = int(np.prod(shape))
        if len(raw) < count * bits // 8:
            raise ScanError(_damaged(path, told))
        container = np.frombuffer(raw, f"{order}u{bits // 8}", count).reshape(shape)
        container = container.astype(container.dtype.newbyteorder("="), copy=False)
        pixels = _without_unused_bits(header, container)
        return pixels, _padding(header, container, pixels)


def _without_unused_bits(header: Dataset, container: np.ndarray) -> np.ndarray:
    """Return values of the bits that hold the pixel, signed where the header says so."""
    bits = container.dtype.itemsize * 8
    used = int(header.get("BitsStored") or bits)
    top = int(header.get("HighBit", used - 1))
    signed = int(header.get("PixelRepresentation") or 0) == 1
    left = container
    if not 0 < used <= top + 1 <= bits:
        used, top = bits, bits - 1
    if (used, top) != (bits, bits - 1):
        left = container << (bits - 1 - top)  # drops what lies above the pixel
    values = left.view(f"i{bits // 8}") if signed else left
    return values >> (bits - used) if used != bits else values


def _padding(header: Dataset, values: np.ndarray, pixels: np.ndarray) -> np.ndarray | None:
    """Return where values are the padding value, or between it and its limit; None if nowhere.

    Parameters
    ----------
    header : Dataset
    values, pixels : numpy.ndarray
        As the container holds them, and of the bits alone that hold the pixel. Compared are the
        pixels where these can hold the padding (other bits may be an overlay), else the container:
        headers give -2000 as 63536 and the other way round.
    """
    if header.get("PixelPaddingValue") is None:
        return None
    container = values.dtype.itemsize * 8
    used = int(header.get("BitsStored") or container)
    signed = int(header.get("PixelRepresentation") or 0) == 1
    try:
        first = _as_stored(header["PixelPaddingValue"].value, container, signed)
        limit = header.get("PixelPaddingRangeLimit")
        last = first if limit is None else _as_stored(limit, container, signed)
    except (TypeError, ValueError):
        return None
    low, high = min(first, last), max(first, last)
    half = 1 << (used - 1)
    least, most = (-half, half - 1) if signed else (0, 2 * half - 1)
    if least <= low and high <= most:
        compared = pixels
    else:
        unsigned = values.dtype.kind == "u"
        compared = values.view(f"i{container // 8}") if unsigned and signed else values
    found = (compared >= low) & (compared <= high)
    return found if found.any() else None


def _as_stored(value, bits: int, signed: bool) -> int:
    """Return a number as a container of so many bits holds it."""
    if isinstance(value, bytes):
        value = int.from_bytes(value[:2], "little")
    wrapped = int(value) % (1 << bits)
    return wrapped - (1 << bits) if signed and wrapped >= 1 << (bits - 1) else wrapped


def _decoded(
    path: Path, header: Dataset, syntax: str, shape: tuple[int, int, int], told: str
) -> np.ndarray:
    """Return compressed stored values (frames, J, I), decoded by GDCM.

    From a copy without all that makes GDCM invert or rescale them.
    """
    from pydicom.uid import UID

    if syntax not in DECODED:
        name = UID(syntax).name
        raise ScanError(
            f"{told} is stored in the transfer syntax {name}"
            f"{f' ({syntax})' if name != syntax else ''}, which isn't decoded here ({path.name}). "
            f"Convert it to Explicit VR Little Endian (for instance with gdcmconv)."
        )
    for keyword in _INTERPRETING:
        if keyword in header:
            del header[keyword]
    kind = _MULTI_FRAME_CAPTURE.get(int(header.BitsAllocated)) if shape[0] > 1 else None
    capture = UID(kind or _SECONDARY_CAPTURE)
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = capture
    header.PhotometricInterpretation = "MONOCHROME2"
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.dcm"
        header.save_as(copy)
        reader.SetFileName(str(copy))
        try:
            values = sitk.GetArrayFromImage(reader.Execute())
        except RuntimeError as error:
            raise ScanError(_damaged(path, told)) from error
    if values.size != int(np.prod(shape)):
        raise ScanError(_damaged(path, told))
    return values.reshape(shape)


def _damaged(path: Path, told: str) -> str:
    return f"{told} can't be read: {path.name} is truncated or damaged. Copy it again."
