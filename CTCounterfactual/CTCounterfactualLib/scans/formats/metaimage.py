"""What a MetaImage header says and ITK ignores: a missing voxel size, units, scaling of values.

Keys as in the MetaIO definition (https://itk.org/Wiki/MetaIO/Documentation).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...errors import ScanError

# Keys are ASCII lines "Key = value"; the voxels follow the key that names their place.
LAST_KEY = "elementdatafile"
MAX_HEADER_BYTES = 1 << 16
MM_PER_UNIT = {"": 1.0, "?": 1.0, "mm": 1.0, "cm": 10.0, "um": 0.001}
OTHER_MODALITY = "other-modality"
SLOPE, OFFSET = "elementtointensityfunctionslope", "elementtointensityfunctionoffset"
CT_MODALITIES = ("", "?", "MET_MOD_CT", "MET_MOD_OTHER", "MET_MOD_UNKNOWN")
ORIGIN_KEYS = ("offset", "position", "origin")
ORIENTATION_KEYS = ("transformmatrix", "rotation", "orientation")


def check_metaimage(path: Path) -> tuple[float, tuple[tuple[str, str], ...]]:
    """Return the length of a MetaImage file's unit in mm, and warnings on its geometry.

    Raises
    ------
    ScanError
        No voxel size, an unknown unit, or values that are to be scaled.
    """
    keys = metaimage_keys(path)[0]
    spacing = keys.get("elementspacing", "")
    lengths = _numbers(spacing)
    whole = lengths.size and str(lengths.size) == keys.get("ndims", "")
    if not whole or not np.isfinite(lengths).all() or lengths.min() <= 0:
        raise ScanError(
            f"The file {path} has no voxel size (ElementSpacing"
            f"{' = ' + spacing if spacing else ' is missing'}; numbers above 0 are expected). "
            f"Export it again with its voxel size."
        )
    unit = keys.get("distanceunits", "").lower()
    if unit not in MM_PER_UNIT:
        raise ScanError(
            f"The file {path} measures in {unit}; mm, cm or um are expected. Export it again in mm."
        )
    scaling = (keys.get(SLOPE, "1"), keys.get(OFFSET, "0"))
    if [*_numbers(" ".join(scaling))] != [1.0, 0.0]:
        raise ScanError(
            f"The values in {path} are to be scaled (ElementToIntensityFunction, {scaling[0]} * "
            f"value + {scaling[1]}), which isn't done here. Save the scaled values."
        )
    for key in (*ORIGIN_KEYS, *ORIENTATION_KEYS):
        if key in keys and not np.isfinite(_numbers(keys[key])).all():
            raise ScanError(
                f"The position or orientation in {path} isn't a number ({key} = {keys[key]}). "
                f"Export it again."
            )
    return MM_PER_UNIT[unit], (*_orientation(keys), *_modality(keys))


def _orientation(keys: dict[str, str]) -> tuple[tuple[str, str], ...]:
    if any(key in keys for key in ORIENTATION_KEYS):
        return ()
    return (
        (
            "unknown-orientation",
            "The file doesn't say how the patient lies (no TransformMatrix): it was read as if its "
            "axes grew to Left, Posterior and Superior. Left and right may be swapped.",
        ),
    )


def _modality(keys: dict[str, str]) -> tuple[tuple[str, str], ...]:
    modality = keys.get("modality", "").upper()
    if modality in CT_MODALITIES:
        return ()
    return ((
        OTHER_MODALITY, f"The file says that it is no CT scan (Modality = {modality}).",
    ),)  # fmt: skip


def _numbers(text: str) -> np.ndarray:
    """Return the numbers of a text; none if anything in it isn't one."""
    try:
        return np.array([float(v) for v in text.split()])
    except ValueError:
        return np.array([])


def metaimage_data(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return where a header says that the voxels are, and the names that follow if it is a list."""
    keys, _, rest = _parts(path)
    told = keys.get(LAST_KEY, "").encode("latin-1")
    listed = [line.strip() for line in rest if line.strip()]
    return os.fsdecode(told), tuple(os.fsdecode(name) for name in listed)


def metaimage_keys(path: Path) -> tuple[dict[str, str], int]:
    """Return the keys of a header, in lower case, and its length in bytes.

    It ends with the line of the key that names the voxels' place.
    """
    keys, header, _ = _parts(path)
    return keys, header


def _parts(path: Path) -> tuple[dict[str, str], int, list[bytes]]:
    """Return the keys of a header, in lower case, its length, and the lines after the last key."""
    with path.open("rb") as file:
        lines = file.read(MAX_HEADER_BYTES).split(b"\n")
    found: dict[str, str] = {}
    length = 0
    for number, line in enumerate(lines, start=1):
        name, separator, value = line.decode("latin-1").partition("=")
        if not separator:
            break
        length += len(line) + 1
        found[name.strip().lower()] = value.strip()
        if name.strip().lower() == LAST_KEY:
            return found, length, lines[number:]
    return found, length, []
