"""Planes of a scan with a change added: only what a plane needs of the prepared grid is touched."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import SimpleITK as sitk

from ..counterfactual.added import add_to_scan, as_change, limits_of
from ..counterfactual.frames import Cut, take
from ..counterfactual.region import PreparedRegion
from ..errors import SettingsError
from ..scans.grid import ROUNDING, PreparedScan, resample_onto
from ..scans.scan import Scan

# Name of a plane -> the patient axis (L, P, S of ITK's space) that it is crossed along.
AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
_DIMENSIONS = 3


def array_axis(scan: Scan, plane: str) -> int:
    """Return the axis of the scan's array (0 is K) that counts planes of a name.

    Of an oblique scan each name has the axis that is nearest to it, and no two have the same.

    Raises
    ------
    SettingsError
        If there is no such plane.
    """
    if plane not in AXES:
        raise SettingsError(f"There is no plane {plane!r}; choose one of {', '.join(AXES)}.")
    direction = np.abs(np.array(scan.image.GetDirection()).reshape(_DIMENSIONS, _DIMENSIONS))
    # Rows are L, P, S; columns I, J, K. Which column serves which row best, all in all.
    columns = max(
        permutations(range(_DIMENSIONS)),
        key=lambda order: sum(direction[row, column] for row, column in enumerate(order)),
    )
    return _DIMENSIONS - 1 - columns[AXES[plane]]


def plane_count(scan: Scan, plane: str) -> int:
    """Return how many planes of a name the scan has."""
    return scan.array.shape[array_axis(scan, plane)]


def cut_of(scan: Scan, plane: str, number: int) -> Cut:
    """Return where a plane lies in the scan's array, (K, J, I), one voxel thick.

    Raises
    ------
    SettingsError
        If there is no such plane.
    """
    return cut_along(scan, array_axis(scan, plane), number, plane)


def cut_along(scan: Scan, axis: int, number: int, name: str = "such") -> Cut:
    """Return where the plane of a number along an axis of the scan's array lies, as `cut_of`."""
    shape = scan.array.shape
    if not 0 <= number < shape[axis]:
        raise SettingsError(
            f"There is no {name} plane {number}: the scan has {shape[axis]}, counted from 0."
        )
    k, j, i = (slice(number, number + 1) if n == axis else slice(0, shape[n]) for n in range(3))
    return k, j, i


def box_of(prepared: PreparedScan, cut: Cut) -> Cut:
    """Return the box (K, J, I) of the prepared grid that linear interpolation asks for a cut."""
    image = prepared.scan.image
    ends = [(part.start, part.stop - 1) for part in reversed(cut)]  # (I, J, K)
    corners = np.array(
        [image.TransformContinuousIndexToPhysicalPoint(list(map(float, c))) for c in product(*ends)]
    )
    grid = prepared.as_image(np.zeros((1, 1, 1), np.float32))
    index = np.array([grid.TransformPhysicalPointToContinuousIndex(c.tolist()) for c in corners])
    last = np.array(prepared.volume.shape[::-1]) - 1
    low = np.clip(np.floor(index.min(0) + ROUNDING), 0, last).astype(int)
    high = np.clip(np.ceil(index.max(0) - ROUNDING), low, last).astype(int)
    i, j, k = (slice(a, b + 1) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    return k, j, i


def rows_needed(prepared: PreparedScan, axis: int) -> list[slice]:
    """Return which prepared slices each plane along an axis of the scan's array needs."""
    scan = prepared.scan
    count = scan.array.shape[axis]
    return [box_of(prepared, cut_along(scan, axis, number))[0] for number in range(count)]


def picture(
    prepared: PreparedScan, change: np.ndarray, cut: Cut, region: PreparedRegion | None = None
) -> np.ndarray:
    """Return a cut of the scan with a change added, as `write_back` writes it.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I) of the prepared grid, in 0..1 intensities; only the cut's box is read.
    region : PreparedRegion, optional
        Its outside keeps the scan's voxels.

    Returns
    -------
    numpy.ndarray
        (K, J, I) of the cut, HU, of the scan's type.
    """
    k, j, i = box_of(prepared, cut)
    scan = prepared.scan.array[cut]
    change_hu = _resampled(prepared, change, (k, j, i), take(prepared.scan.image, cut))
    change_hu = as_change(change_hu, scan.dtype)
    if region is not None:
        change_hu *= region.inside[cut]
    return add_to_scan(scan, change_hu, limits_of(scan.dtype, prepared.spec))


def _resampled(
    prepared: PreparedScan, change: np.ndarray, box: Cut, grid: sitk.Image
) -> np.ndarray:
    """Return a box of a change on the grid of an image: (K, J, I), float32, HU."""
    hu = (change[box] * prepared.spec.window.hu_per_unit).astype(np.float32, copy=False)
    image = prepared.as_image(np.ascontiguousarray(hu))
    first = [part.start for part in reversed(box)]
    image.SetOrigin(image.TransformIndexToPhysicalPoint(first))
    return resample_onto(grid, image)
