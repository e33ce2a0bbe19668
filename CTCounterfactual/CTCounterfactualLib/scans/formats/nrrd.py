"""What an NRRD header says of its geometry: ITK takes a missing voxel size for 1, any unit for mm.

Fields as in the NRRD definition (https://teem.sourceforge.net/nrrd/format.html).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from ..checks import check_shape

MAGIC = b"NRRD"
# A header is some lines of text; an attached one ends with an empty line.
MAX_HEADER_BYTES = 1 << 20
# Both name the file of the voxels.
DATA_FIELDS = ("data file", "datafile")
SPACE_DIMENSIONS = 3
# An axis of this kind is another volume at each step.
TIME = "time"
# Encodings and types of the definition that ITK's reader leaves out.
BZIP2 = ("bzip2", "bz2")
OTHER_TYPES = ("block", "half", "longdouble", "long double")
MM_PER_UNIT = {
    "": 1.0, "mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "millimetre": 1.0,
    "cm": 10.0, "centimeter": 10.0, "centimeters": 10.0,
    "m": 1000.0, "meter": 1000.0, "meters": 1000.0,
    "um": 0.001, "micron": 0.001, "microns": 0.001, "micrometer": 0.001, "\u00b5m": 0.001,
    "\u03bcm": 0.001,
}  # fmt: skip
# Spaces whose axes are the patient's; others (3D-right-handed, scanner-xyz) leave them open.
PATIENT_SPACES = re.compile(r"(left|right)-(posterior|anterior)-superior(-time)?|lps|ras|las"
                            r"|lpst|rast|last", re.IGNORECASE)  # fmt: skip


def check_nrrd(path: Path) -> tuple[float, tuple[tuple[str, str], ...]]:
    """Return the length of an NRRD file's unit in mm, and warnings on its geometry.

    Raises
    ------
    ScanError
        No voxel size for one of the volume's axes, an unknown unit of length, several volumes, or
        voxels that ITK doesn't read.
    """
    fields = _fields(path)
    _check_voxels(path, fields)
    sizes = [int(n) for n in fields.get("sizes", "").split() if n.isdigit()]
    directions = re.findall(r"none|\([^)]*\)", fields.get("space directions", ""))
    spacings = fields.get("spacings", "").split()
    if TIME in fields.get("kinds", "").lower().split():
        check_shape(str(path), tuple(sizes), 1)
    for axis, given in enumerate(_axes(sizes, directions or spacings)):
        if given is None or not _is_length(given):
            raise ScanError(
                f"The file {path} has no voxel size along axis {axis + 1} (neither 'space "
                f"directions' nor 'spacings' give a number above 0). Export it again with its "
                f"voxel size."
            )
    scale = _unit(path, fields)
    warnings: tuple[tuple[str, str], ...] = ()
    if not directions or not PATIENT_SPACES.fullmatch(fields.get("space", "")):
        warnings = (
            (
                "unknown-orientation",
                "The file doesn't say how the patient lies (no patient 'space' with directions): "
                "it was read as if its axes grew to Left, Posterior and Superior. Left and right "
                "may be swapped.",
            ),
        )
    return scale, warnings


def in_millimetres(image: sitk.Image, scale: float) -> None:
    """Multiply an image's voxel size and origin, in place, by the length of their unit in mm."""
    if scale != 1.0:
        image.SetSpacing([s * scale for s in image.GetSpacing()])
        image.SetOrigin([o * scale for o in image.GetOrigin()])


def _check_voxels(path: Path, fields: dict[str, str]) -> None:
    """Raise `ScanError` saying why ITK wouldn't read the voxels; it calls all of it damage."""
    if (encoding := fields.get("encoding", "").lower()) in BZIP2:
        raise ScanError(
            f"The voxels in {path} are packed with {encoding}, which isn't read. Save it with gzip "
            f"or raw encoding."
        )
    if (kind := fields.get("type", "").lower()) in OTHER_TYPES:
        raise ScanError(
            f"The file {path} holds values of NRRD type {kind}; a CT scan has one real number a "
            f"voxel. Save it as 16-bit integers or float."
        )


def _axes(sizes: list[int], given: list[str]) -> list[str | None]:
    """Return what is given of each axis of space that is longer than one voxel."""
    padded = [*given, *[None] * (len(sizes) - len(given))]
    axes = [g for n, g in zip(sizes, padded, strict=False) if n > 1 and g != "none"]
    return axes[:SPACE_DIMENSIONS] or [None]


def _is_length(given: str) -> bool:
    """Tell whether a spacing, or a direction "(x,y,z)", has a finite length above 0."""
    try:
        length = float(np.linalg.norm([float(v) for v in given.strip("()").split(",")]))
    except ValueError:
        return False
    return bool(np.isfinite(length) and length > 0)


def _unit(path: Path, fields: dict[str, str]) -> float:
    """Return how many mm the unit of length has; raise if the axes' units differ or are unknown."""
    told = {u.strip().lower() for u in re.findall(r'"([^"]*)"', fields.get("space units", ""))}
    told |= {
        u.strip().lower()
        for u in re.findall(r'"([^"]*)"', fields.get("units", ""))
        if u.strip().lower() in MM_PER_UNIT
    }  # `units` also names those of axes that aren't in space
    lengths = {MM_PER_UNIT[unit] for unit in told - {""} if unit in MM_PER_UNIT} or {1.0}
    if len(lengths) > 1 or not told <= MM_PER_UNIT.keys():
        raise ScanError(
            f"The file {path} measures in {', '.join(sorted(told))}; one unit of length (mm, cm, "
            f"m or um) is expected. Export it again in mm."
        )
    return lengths.pop()


def nrrd_data(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return where a header says that the voxels are, and the names that follow if it is a list.

    Empty text where they are in the file itself.
    """
    told, listed = "", []
    for line in _lines(path, "surrogateescape"):
        name, separator, value = line.partition(":")
        if told.lower().startswith("list"):  # the last field; only names follow
            listed.append(line.strip())
        elif separator and name.lower() in DATA_FIELDS and not value.startswith("="):
            told = value.strip()
    return told, tuple(name for name in listed if name)


def _fields(path: Path) -> dict[str, str]:
    """Return the fields of a header, names in lower case."""
    found = {}
    for line in _lines(path):
        name, separator, value = line.partition(": ")
        if separator and not line.startswith("#"):
            found[name.strip().lower()] = value.strip()
    return found


def _lines(path: Path, errors: str = "replace") -> list[str]:
    """Return the lines of a header after the first."""
    with path.open("rb") as file:
        head = file.read(MAX_HEADER_BYTES)
    return re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0].decode("utf-8", errors).splitlines()[1:]
