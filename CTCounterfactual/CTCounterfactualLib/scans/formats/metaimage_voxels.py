"""Whether a MetaImage's voxels are all there: ITK fills what it can't unpack with anything.

Types and places of voxels as in the MetaIO definition (https://itk.org/Wiki/MetaIO/Documentation).
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path

from ...errors import ScanError
from .detached import voxel_files
from .metaimage import metaimage_keys

# Bytes of a number, by `ElementType` (an "_ARRAY" behind it says that a voxel has several).
ITEM_BYTES = {
    "MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4,
    "MET_LONG": 4, "MET_ULONG": 4, "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4,
    "MET_DOUBLE": 8,
}  # fmt: skip
# What makes zlib take its own streams and gzip's, as MetaIO does.
ZLIB_OR_GZIP = 47


def check_metaimage_voxels(path: Path) -> None:
    """Raise `ScanError` unless as many bytes of voxels are there as a MetaImage header tells of."""
    keys, header = metaimage_keys(path)
    needed = _needed(keys)
    if needed is None or keys.get("binarydata", "true").lower() != "true":
        return  # ITK refuses what it doesn't know, and texts that end too early
    files = voxel_files(path)
    if keys.get("compresseddata", "").lower() == "true" and len(files) < 2:
        there = _unpacked(path, keys, files[0] if files else None, header, needed)
    elif files or keys["elementdatafile"].lower() != "local":
        there = sum(file.stat().st_size for file in files)
    else:
        there = path.stat().st_size - header
    if there < needed:
        raise ScanError(
            f"The file {path} is truncated or damaged: {there} of {needed} bytes of voxels are "
            f"there. Copy it again."
        )


def _needed(keys: dict[str, str]) -> int | None:
    """Return the bytes of all voxels; None if the header doesn't say it clearly."""
    item = ITEM_BYTES.get(keys.get("elementtype", "").upper().removesuffix("_ARRAY"))
    try:
        size = [int(n) for n in keys.get("dimsize", "").split()]
        channels = int(keys.get("elementnumberofchannels", "1"))
    except ValueError:
        return None
    return None if item is None or not size else math.prod(size) * channels * item


def _unpacked(
    path: Path, keys: dict[str, str], beside: Path | None, header: int, needed: int
) -> int:
    """Return how many bytes of voxels unpack from as many packed ones as the header tells of."""
    told = keys.get("compresseddatasize", "")
    if beside is None and not told.isdigit():
        raise ScanError(
            f"The file {path} doesn't say how long its packed voxels are (CompressedDataSize). "
            f"Export it again."
        )
    with (beside or path).open("rb") as file:
        file.seek(0 if beside else header)
        packed = file.read(int(told) if told.isdigit() else -1)
    stream = zlib.decompressobj(ZLIB_OR_GZIP)
    try:
        return len(stream.decompress(packed, needed))
    except zlib.error:
        return 0
