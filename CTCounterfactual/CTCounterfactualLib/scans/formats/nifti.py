"""Reading NIfTI-1 voxels as they are stored: ITK turns NaN into 0 and refuses oblique axes.

Header fields as in nifti1.h of the NIfTI-1 standard (https://nifti.nimh.nih.gov/nifti-1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from ..checks import check_shape
from ..files import read_unpacked
from ..pieces import pieces
from ..pixel_types import holds
from .nifti_geometry import nifti_geometry

HEADER_BYTES = 348
NIFTI_2_HEADER_BYTES = 540
# The first number of the file is the length of its header.
NIFTI_SIZE_BYTES = 4
# Magic words at byte 344: header and voxels in one file, or in a pair .hdr and .img.
MAGIC_AT = 344
SINGLE, PAIR = b"n+1\0", b"ni1\0"
# Voxels of a single file begin here at the earliest (and where vox_offset is left at 0).
FIRST_VOXEL_BYTE = 352
# Where the fields lie: byte, and type without byte order.
_FIELDS = {
    "dim": (40, "8i2"), "datatype": (70, "i2"), "pixdim": (76, "8f4"), "vox_offset": (108, "f4"),
    "scl_slope": (112, "f4"), "scl_inter": (116, "f4"), "xyzt_units": (123, "u1"),
    "qform_code": (252, "i2"), "sform_code": (254, "i2"), "quatern": (256, "3f4"),
    "qoffset": (268, "3f4"), "srow": (280, "(3,4)f4"),
}  # fmt: skip
# Codes of `datatype` that hold one real number a voxel.
_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
    1280: "u8",
}  # fmt: skip
ByteOrder = Literal["<", ">"]  # as NumPy writes it
_BYTE_ORDERS: dict[ByteOrder, Literal["little", "big"]] = {"<": "little", ">": "big"}
_COLOURS = {128: 3, 2304: 4}


@dataclass(frozen=True)
class NiftiHeader:
    """The fields of a NIfTI-1 header that a scan needs, in its byte order ("<" or ">")."""

    order: ByteOrder
    single_file: bool
    fields: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.fields[name]

    @property
    def size(self) -> tuple[int, ...]:
        """Voxels along (I, J, K, ...)."""
        return tuple(int(n) for n in self["dim"][1 : 1 + int(self["dim"][0])])


def is_nifti(path: Path) -> bool:
    """Tell a file (of a pair: either) by its header: NIfTI-1 or -2, or Analyze before it."""
    header = _header_of(path)
    head = read_unpacked(header, NIFTI_SIZE_BYTES) if header.is_file() else b""
    lengths = {int.from_bytes(head, order) for order in _BYTE_ORDERS.values()}
    return bool(lengths & {HEADER_BYTES, NIFTI_2_HEADER_BYTES})


def read_nifti(path: Path) -> tuple[sitk.Image, tuple[tuple[str, str], ...]]:
    """Return the image of a NIfTI-1 file or pair, LPS, mm, and warnings on its geometry.

    Scaling (`scl_slope`, `scl_inter`) is applied; the type is the least that holds the values.

    Raises
    ------
    ScanError
        NIfTI-2, Analyze, truncated, no single 3D volume, no voxel size, axes that span no volume.
    """
    data = read_unpacked(_header_of(path))
    header = parse_nifti(path, data)
    size = header.size
    check_shape(str(path), size, _COLOURS.get(int(header["datatype"]), 1))
    stored = _stored(path, header, data)
    spacing, origin, direction, warnings = nifti_geometry(path, header.fields)
    image = sitk.GetImageFromArray(_scaled(path, header, stored.reshape(size[2::-1])))
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    return image, warnings


def nifti_files(path: Path) -> tuple[Path, ...]:
    """Return the files of a NIfTI image: header and voxels of a pair, whichever is given."""
    header = _header_of(path)
    single = parse_nifti(path, read_unpacked(header, HEADER_BYTES)).single_file
    return (header,) if single else (header, _voxels_of(path))


def parse_nifti(path: Path, data: bytes) -> NiftiHeader:
    """Return the header at the beginning of `data`; raise `ScanError` if it isn't NIfTI-1's."""
    lengths = {o: int.from_bytes(data[:NIFTI_SIZE_BYTES], b) for o, b in _BYTE_ORDERS.items()}
    if NIFTI_2_HEADER_BYTES in lengths.values():
        raise ScanError(
            f"The file {path} is NIfTI-2, which isn't read. Save it as NIfTI-1 or NRRD "
            f"(for instance with nibabel or 3D Slicer)."
        )
    if len(data) < HEADER_BYTES:
        raise ScanError(
            f"The file {path} is truncated: {len(data)} of the header's {HEADER_BYTES} bytes are "
            f"there. Copy it again."
        )
    order = next(o for o, length in lengths.items() if length == HEADER_BYTES)
    magic = data[MAGIC_AT : MAGIC_AT + 4]
    if magic not in (SINGLE, PAIR):
        raise ScanError(
            f"The file {path} is Analyze 7.5, which doesn't say how the patient lies. Save the "
            f"scan as NIfTI-1 or NRRD from where it comes."
        )
    fields = {
        name: np.frombuffer(data, np.dtype(kind).newbyteorder(order), 1, at)[0]
        for name, (at, kind) in _FIELDS.items()
    }
    if not 1 <= fields["dim"][0] <= 7 or (fields["dim"][1 : 1 + fields["dim"][0]] < 1).any():
        raise ScanError(
            f"The header of {path} is damaged (dimensions {fields['dim'].tolist()}). Copy it again."
        )
    return NiftiHeader(order, magic == SINGLE, fields)


def _stored(path: Path, header: NiftiHeader, data: bytes) -> np.ndarray:
    """Return the voxels as stored, flat, in file order."""
    kind = _TYPES.get(int(header["datatype"]))
    if kind is None:
        raise ScanError(
            f"{path} holds values of NIfTI type {int(header['datatype'])}; a CT scan has one real "
            f"number a voxel. Save it as 16-bit integers or float32."
        )
    dtype = np.dtype(kind).newbyteorder(header.order)
    offset = float(header["vox_offset"])
    start = int(offset) if math.isfinite(offset) and offset > 0 else 0
    if header.single_file:
        start = start or FIRST_VOXEL_BYTE
    else:
        data = read_unpacked(_voxels_of(path))
    count = math.prod(header.size)
    expected = start + count * dtype.itemsize
    if (header.single_file and start < FIRST_VOXEL_BYTE) or start > len(data):
        raise ScanError(
            f"The header of {path} is damaged, or the file truncated: its voxels are to begin at "
            f"byte {offset:g} (vox_offset) of {len(data)}. Copy it again."
        )
    if len(data) < expected:
        raise ScanError(
            f"The file {path} is truncated: {len(data)} of {expected} bytes are there. "
            f"Copy it again."
        )
    return np.frombuffer(data, dtype, count, start)


def _header_of(path: Path) -> Path:
    """Return the file that holds the header: the .hdr beside an .img, else the file itself."""
    return _other_of_pair(path, ".hdr") or path if ".img" in _suffixes(path) else path


def _suffixes(path: Path) -> list[str]:
    return [suffix.lower() for suffix in path.suffixes[-2:]]


def _other_of_pair(path: Path, suffix: str) -> Path | None:
    """Return the file beside `path` with another suffix, gzipped or not, if there is one."""
    base = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    beside = (base.with_suffix(s) for s in (suffix, suffix + ".gz", suffix.upper()))
    return next((found for found in beside if found.is_file()), None)


def _voxels_of(path: Path) -> Path:
    """Return the file that holds the voxels of a pair."""
    if found := _other_of_pair(path, ".img"):
        return found
    base = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    raise ScanError(
        f"There is no {base.with_suffix('.img').name} beside {path}: it holds the voxels. "
        f"Copy both files."
    )


def _scaled(path: Path, header: NiftiHeader, stored: np.ndarray) -> np.ndarray:
    """Return slope * stored + intercept (K, J, I), contiguous, as it is where there is no scaling.

    A slope of 0, and NaN in either (as some writers put it), mean "no scaling".
    """
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    if math.isinf(slope) or math.isinf(inter):
        raise ScanError(
            f"The scaling of {path} is {slope:g} * value + {inter:g}, which isn't finite. "
            f"Export it again."
        )
    if slope == 0 or math.isnan(slope) or math.isnan(inter):
        slope, inter = 1.0, 0.0
    native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if (slope, inter) == (1.0, 0.0):
        return native
    whole = native.dtype.kind in "iu" and slope.is_integer() and inter.is_integer()
    low, high = slope * float(native.min()) + inter, slope * float(native.max()) + inter
    if not max(abs(low), abs(high)) <= np.finfo(np.float32).max and np.isfinite(native).all():
        raise ScanError(
            f"The scaling of {path} is {slope:g} * value + {inter:g}, which leads to no HU. "
            f"Export it again."
        )
    scaled: np.ndarray = np.empty(native.shape, holds(min(low, high), max(low, high), whole))
    for part in pieces(native.shape):
        values = native[part] * slope + inter  # float64
        scaled[part] = np.rint(values) if whole else values
    return scaled
