"""The checks that every scan passes, whether it was read, made in Python or taken from a scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..errors import ScanError
from ..wording import say
from .hu_likeness import what_is_doubtful, what_speaks_against_hu
from .modality import CT
from .pieces import pieces
from .pixel_types import as_allowed_type
from .scan import Scan

# A single slice has no third dimension to explain, and no spacing along it.
MIN_SLICES = 2
# Volume of the parallelepiped of the three axes' unit vectors (1: right angles); below, it is flat.
MIN_DETERMINANT = 1e-3
# Directions are vectors of length 1, up to what is written of their digits.
UNIT_LENGTH_TOLERANCE = 1e-2
# The greatest extent of a CT scan in mm: a cut-out of one nodule has 60 mm and more, a whole body
# 2 m. Ten times smaller or larger is a voxel size in another unit.
PLAUSIBLE_EXTENT_MM = (60.0, 2500.0)
# Voxel sizes in mm, along any axis: finer than any patient's CT, coarser than any slice.
PLAUSIBLE_VOXEL_MM = (0.05, 30.0)
REAL = (
    sitk.sitkInt8, sitk.sitkInt16, sitk.sitkInt32, sitk.sitkInt64, sitk.sitkUInt8, sitk.sitkUInt16,
    sitk.sitkUInt32, sitk.sitkUInt64, sitk.sitkFloat32, sitk.sitkFloat64,
)  # fmt: skip
ASSUMED_HU = "assumed-hu"
DOUBTFUL_HU = "doubtful-hu"
IMPLAUSIBLE_SIZE = "implausible-size"


def check_scan(scan: Scan, assume_hu: bool = False) -> Scan:
    """Return the scan if it can be explained, with warnings of what is doubtful; else raise.

    Cheap (a sample of the voxels is judged) and idempotent: a scan that was checked comes back as
    it is. Voxels of a type that the engine doesn't compute with become a type that holds them.

    Parameters
    ----------
    scan : Scan
        From a file, a scene or an array.
    assume_hu : bool
        Go on although the values don't look like HU; the scan then carries the warning
        `assumed-hu`, which later checks respect.

    Raises
    ------
    ScanError
        Not a volume of single values, no proper geometry, NaN or infinity, values that aren't HU.
    """
    source = scan.path or f"The scan '{scan.name}'"
    told = {name for name, _ in scan.warnings}
    check_shape(source, scan.image.GetSize(), scan.image.GetNumberOfComponentsPerPixel())
    check_real(scan.image.GetPixelID(), source)
    check_geometry(scan.image, source)
    check_numbers(scan.array, source)
    found = (
        *_check_extent(scan.image),
        *_check_values(scan, source, assume_hu or ASSUMED_HU in told),
    )
    new = tuple(warning for warning in found if warning[0] not in told)
    image = as_allowed_type(scan.image)
    if image is scan.image and not new:
        return scan
    return replace(scan, image=image, warnings=(*scan.warnings, *new))


def check_shape(source: str, size: tuple[int, ...], components: int) -> None:
    """Raise `ScanError` unless a size (I, J, K, ...) is that of one volume of single values."""
    extent = " x ".join(str(n) for n in size)
    if components != 1:
        raise ScanError(
            f"{source} has {components} values a voxel (colour or vector image); a CT scan has "
            f"one. Export the scan itself, not a picture of it."
        )
    if len(size) > 3 and max(size[3:]) > 1:
        raise ScanError(
            f"{source} is {len(size)}D ({extent}); a single 3D volume is expected. "
            f"Extract one time point or phase first."
        )
    if len(size) < 3 or min(size[:3]) < MIN_SLICES:
        raise ScanError(
            f"{source} is a single slice or a flat image ({extent}); a volume of at least "
            f"{MIN_SLICES} slices is expected. Of a DICOM series, give the folder."
        )


def check_real(pixel_id: int, source: str) -> None:
    """Raise `ScanError` unless voxels of this SimpleITK type are real numbers."""
    if pixel_id not in REAL:
        raise ScanError(
            f"{source} holds {sitk.GetPixelIDValueAsString(pixel_id)} values; a CT scan has one "
            f"real number a voxel. Export the scan itself."
        )


def check_geometry(image: sitk.Image, source: str) -> None:
    """Raise `ScanError` unless voxel size, origin and directions are finite and span a volume."""
    spacing, origin = image.GetSpacing(), image.GetOrigin()
    if not np.isfinite(spacing).all() or min(spacing) <= 0:
        raise ScanError(
            f"{source} has a voxel size of {mm(spacing)}; each must be a number "
            f"above 0. Export it again with its voxel size."
        )
    directions = np.array(image.GetDirection()).reshape(image.GetDimension(), -1)
    if not np.isfinite(origin).all() or not np.isfinite(directions).all():
        raise ScanError(f"The position or orientation in {source} isn't a number. Export it again.")
    check_axes(directions, source)
    lengths = np.linalg.norm(directions, axis=0)
    if np.abs(lengths - 1.0).max() > UNIT_LENGTH_TOLERANCE:
        raise ScanError(
            f"The directions of the axes of {source} have the lengths {mm(lengths)[:-3]}; 1 is "
            f"expected, so its voxel size isn't clear. Export it again."
        )


def check_axes(directions: np.ndarray, source: str) -> None:
    """Raise `ScanError` unless unit vectors (in columns) span a volume."""
    if not abs(np.linalg.det(directions)) >= MIN_DETERMINANT:
        raise ScanError(
            f"The axes of {source} lie in one plane or on one line, so its voxels have no place in "
            f"space. Export it again with its orientation."
        )


def check_numbers(values: np.ndarray, source: str) -> None:
    """Raise `ScanError` if any value is NaN or infinite, saying how many."""
    if not np.issubdtype(values.dtype, np.floating):
        return
    bad = values.size - sum(
        int(np.count_nonzero(np.isfinite(values[part]))) for part in pieces(values.shape)
    )
    if bad:
        raise ScanError(
            f"{source} holds {bad} NaN or infinite value(s) among {values.size}; a CT scan has "
            f"finite HU. Repair the file (for instance replace them by -1000, air)."
        )


def check_hounsfield(
    values: np.ndarray, source: str, assume_hu: bool
) -> tuple[tuple[str, str], ...]:
    """Check that values look like HU; return a (name, message) warning on doubts.

    One that speaks against it clearly is an error, unless the user insists.

    Raises
    ------
    ScanError
        Saying what was found, unless `assume_hu`.
    """
    found = what_speaks_against_hu(values)
    if not found:
        doubt = what_is_doubtful(values)
        return ((DOUBTFUL_HU, f"The values may not be HU: {doubt}."),) if doubt else ()
    if assume_hu:
        return ((ASSUMED_HU, f"Values were taken as HU because you said so, but {found}."),)
    raise ScanError(
        f"{source} doesn't look like a CT scan in HU: {found}. Convert it to HU, or use "
        f"{say('assume_hu', True)} if it is in HU all the same."
    )


def _check_values(scan: Scan, source: str, assume_hu: bool) -> tuple[tuple[str, str], ...]:
    """Check that a CT looks like HU; of other modalities nothing is known of the numbers."""
    return check_hounsfield(scan.array, source, assume_hu) if scan.modality == CT else ()


def mm(lengths) -> str:
    """Return lengths along I, J, K in words: "0.7 x 0.7 x 2.5 mm"."""
    return " x ".join(f"{length:.4g}" for length in lengths) + " mm"


def extent_mm(image: sitk.Image) -> tuple[float, ...]:
    """Return the lengths of an image's edges along (I, J, K), mm."""
    return tuple(n * s for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True))


def _check_extent(image: sitk.Image) -> tuple[tuple[str, str], ...]:
    """Return a warning if the scan or its voxels are far smaller or larger than they can be."""
    extent = extent_mm(image)
    low, high = PLAUSIBLE_EXTENT_MM
    least, most = PLAUSIBLE_VOXEL_MM
    spacing = image.GetSpacing()
    if low <= max(extent) <= high and least <= min(spacing) and max(spacing) <= most:
        return ()
    return (
        (
            IMPLAUSIBLE_SIZE,
            (
                f"The whole scan measures {mm(extent)}: its voxel size ({mm(spacing)}) is "
                f"hardly right. Was it in another unit?"
            ),
        ),
    )
