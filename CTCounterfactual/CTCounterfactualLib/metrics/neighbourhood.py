"""What lies near a mask or deep inside one, in mm; only its own surroundings are looked at."""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy import ndimage

Box = tuple[slice, ...]


def box_around(mask: np.ndarray, margin: tuple[int, ...] = (0, 0, 0)) -> Box | None:
    """Return the smallest box (K, J, I) that holds a mask, with so many voxels around; or None."""
    box = []
    for axis, grow in enumerate(margin):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        held = np.flatnonzero(mask.any(axis=others))
        if not held.size:
            return None
        stop = min(int(held[-1]) + 1 + grow, mask.shape[axis])
        box.append(slice(max(int(held[0]) - grow, 0), stop))
    return tuple(box)


def voxels_of(mm: float, spacing: tuple[float, float, float]) -> tuple[int, ...]:
    """Return the voxels (K, J, I) that a length needs along each axis, rounded up."""
    return tuple(ceil(mm / step) for step in spacing[::-1])


def within(mask: np.ndarray, spacing: tuple[float, float, float], mm: float) -> np.ndarray:
    """Return the voxels of a mask and those whose centre is at most `mm` from one of its own.

    Parameters
    ----------
    mask : numpy.ndarray
        (K, J, I), bool.
    spacing : tuple of float
        (I, J, K) mm.
    mm : float
        0 returns the mask.
    """
    near = np.zeros(mask.shape, bool)
    box = box_around(mask, voxels_of(mm, spacing))
    if box is not None:
        distance = ndimage.distance_transform_edt(~mask[box], sampling=spacing[::-1])
        near[box] = distance <= mm
    return near


def deeper_than(mask: np.ndarray, spacing: tuple[float, float, float], mm: float) -> np.ndarray:
    """Return the voxels of a mask whose centre is more than `mm` from every voxel outside it.

    The edge of the image is no border: what goes on beyond it isn't known.
    """
    deep = np.zeros(mask.shape, bool)
    box = box_around(mask, (1, 1, 1))
    if box is not None:
        distance = ndimage.distance_transform_edt(mask[box], sampling=spacing[::-1])
        deep[box] = mask[box] & (distance > mm)
    return deep
