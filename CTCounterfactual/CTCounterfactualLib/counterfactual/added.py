"""A change in HU added to a scan, in the scan's own voxel type and to the bit where it is none.

Scans of whole numbers take whole HU. Scans with fractions take the change as it is, and round as
their own type does.
"""

from __future__ import annotations

import math

import numpy as np

from ..scans.grid import GridSpec
from ..scans.hounsfield import MAX_STORED_HU, MIN_STORED_HU

# Changes of whole-number scans, and their differences: far more than any scanner's range.
WHOLE_CHANGE = np.dtype(np.int16)


def change_type(scan_type: np.dtype) -> np.dtype:
    """Return the type of a change, and of a difference, of a scan of this type."""
    return scan_type if scan_type.kind == "f" else WHOLE_CHANGE


def as_change(change_hu: np.ndarray, scan_type: np.dtype) -> np.ndarray:
    """Return a change (float, HU) as a scan of this type takes it; may overwrite what it is given.

    Of whole numbers one of more than 32767 HU becomes 32767.
    """
    kind = change_type(scan_type)
    if kind.kind != "f":
        limits = np.iinfo(kind)
        np.clip(np.rint(change_hu, out=change_hu), limits.min, limits.max, out=change_hu)
    return change_hu.astype(kind, copy=False)


def add_to_scan(
    scan: np.ndarray,
    change_hu: np.ndarray,
    limits: tuple[float, float] = (MIN_STORED_HU, MAX_STORED_HU),
) -> np.ndarray:
    """Add a change to a scan; where it is 0 the scan's voxels stay as they are.

    Parameters
    ----------
    scan : numpy.ndarray
        (K, J, I), HU, any type of numbers.
    change_hu : numpy.ndarray
        (K, J, I), HU, as `as_change` makes it.
    limits : tuple of float
        What a scanner stores; of another modality than CT, the ends of what becomes 0..1.

    Returns
    -------
    numpy.ndarray
        (K, J, I), HU, of the scan's type. A change never takes a voxel out of what a scanner stores
        (-1024..3071); a voxel that is beyond it already, padding (-2048, -3024) or metal, may only
        move inwards, by no more than its change. Nor out of what its type holds.
    """
    changed = _wide(scan)
    kept = changed if scan.dtype.kind == "u" else scan  # unsigned types don't hold the limits
    lowest, highest = np.minimum(kept, limits[0]), np.maximum(kept, limits[1])
    changed = changed + change_hu if changed is kept else np.add(changed, change_hu, out=changed)
    np.clip(changed, lowest, highest, out=changed)
    if scan.dtype.kind == "u":
        np.maximum(changed, 0, out=changed)
    changed = changed.astype(scan.dtype, copy=False)
    np.copyto(changed, scan, where=change_hu == 0)  # -0.0 + 0 would be 0.0
    return changed


def limits_of(scan_type: np.dtype, spec: GridSpec) -> tuple[float, float]:
    """Return between which numbers a change may take a scan of this type; see `add_to_scan`."""
    if spec.is_ct:
        return MIN_STORED_HU, MAX_STORED_HU
    low, high = spec.window.low_hu, spec.window.high_hu
    if scan_type.kind == "f":
        return low, high
    holds = np.iinfo(scan_type)
    return max(math.floor(low), int(holds.min)), min(math.ceil(high), int(holds.max))


def difference(changed: np.ndarray, scan: np.ndarray) -> np.ndarray:
    """Return changed minus scan, HU, both of one type: exact for whole numbers, else as rounded.

    Returns
    -------
    numpy.ndarray
        Same shape, of `change_type`.
    """
    if scan.dtype.kind == "u":  # unsigned numbers have no difference of their own
        changed, scan = _wide(changed), _wide(scan)
    return (changed - scan).astype(change_type(scan.dtype), copy=False)


def _wide(scan: np.ndarray) -> np.ndarray:
    """Return whole numbers in a type that holds the sum of any two; others as they are."""
    if scan.dtype.kind == "f":
        return scan
    return scan.astype(np.int32 if scan.dtype.itemsize <= WHOLE_CHANGE.itemsize else np.int64)
