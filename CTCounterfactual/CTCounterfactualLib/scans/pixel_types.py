"""The voxel types that the engine computes with, and the least of them that loses nothing."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from .pieces import pieces

# Signed, so that HU and their differences fit; whole HU beyond 16 bit stay whole.
ALLOWED = (sitk.sitkInt16, sitk.sitkInt32, sitk.sitkFloat32)


def as_allowed_type(image: sitk.Image) -> sitk.Image:
    """Return an image itself if its type is allowed, else in the least type that holds it."""
    return image if image.GetPixelID() in ALLOWED else in_least_type(image)


def in_least_type(image: sitk.Image) -> sitk.Image:
    """Return an image as int16 if that loses nothing, else int32 if not, else float32.

    float32 holds every int16 with any fraction down to 0.002 HU; of a float64 image the rest is
    rounding error.
    """
    least = least_type(sitk.GetArrayViewFromImage(image))
    wanted: dict[type, int] = {
        np.int16: sitk.sitkInt16,
        np.int32: sitk.sitkInt32,
        np.float32: sitk.sitkFloat32,
    }
    pixel_id = wanted[least]
    return image if image.GetPixelID() == pixel_id else sitk.Cast(image, pixel_id)


def least_type(values: np.ndarray) -> type:
    """Return np.int16, np.int32 or np.float32: the first that holds all values (K, J, I)."""
    if values.dtype == np.int16:
        return np.int16
    low, high = values.min(), values.max()
    bounded = holds(low, high, True)
    return bounded if bounded is not np.float32 and _are_whole(values) else np.float32


def holds(low: float, high: float, whole: bool) -> type:
    """Return the least allowed type for values from `low` to `high`, `whole` numbers or not."""
    for kind in (np.int16, np.int32):
        info = np.iinfo(kind)
        if whole and low >= info.min and high <= info.max:
            return kind
    return np.float32


def _are_whole(values: np.ndarray) -> bool:
    """Tell whether all values are whole numbers."""
    if np.issubdtype(values.dtype, np.integer):
        return True
    return all(np.array_equal(values[k], values[k].round()) for k in pieces(values.shape))
