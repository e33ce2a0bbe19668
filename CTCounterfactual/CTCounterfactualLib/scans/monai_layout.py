"""The grid that MONAI's Orientation, Spacing, SpatialPad and CenterSpatialCrop lay out.

Facts of MONAI 1.5: `Spacing` keeps the scan's own axes, begins at the centre of its first voxel and
has round(distance of first to last centre / spacing + 1) voxels; beyond the last centre the border
value goes on. Its voxels lie less than half a voxel (the scan's or the prepared one, whichever is
larger) off a grid that is centred on the scan's extent; padding or cropping adds up to half a
prepared voxel.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from .resample import Check, resample_to_ras

RAS_SIGN = np.array([-1.0, -1.0, 1.0])
# Sines up to this are rounding of a stored direction: 0.04 mm over 400 mm.
MAX_SINE = 1e-4


def along_patient_axes(image: sitk.Image) -> bool:
    """Tell whether the index axes are the patient's, in any order and sense (not oblique)."""
    direction = np.abs(np.array(image.GetDirection()).reshape(3, 3))
    return bool((np.sort(direction, axis=0)[:2] <= MAX_SINE).all())


def resample_like_monai(
    image: sitk.Image,
    spacing: tuple[float, float, float],
    crop: tuple[int, int] | None,
    check: Check | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Resample a scan along the patient's axes to RAS and `spacing`; pad or crop it in plane.

    Parameters
    ----------
    image : SimpleITK.Image
        float32, HU, `along_patient_axes`.
    spacing : tuple of float
        (I, J, K) mm.
    crop : tuple of int or None
        (I, J) voxels; None keeps all.
    check : callable, optional
        Asked now and then; raises if the work is to stop.

    Returns
    -------
    hu : numpy.ndarray
        (K, J, I), float32; 0 where padded.
    inside : numpy.ndarray
        (K, J, I), bool; False where padded.
    origin : numpy.ndarray
        LPS mm of voxel (0, 0, 0).
    """
    low, size = _lattice(image, spacing)
    hu = resample_to_ras(
        image, size, low * RAS_SIGN, spacing, outside=0.0, border_goes_on=True, check=check
    )
    inside = np.ones(hu.shape, bool)
    for axis, wanted in zip((2, 1), crop or (), strict=False):  # I is the last axis of (K, J, I)
        first = _first_voxel(hu.shape[axis], wanted)
        low[2 - axis] += first * spacing[2 - axis]
        hu, inside = (_cut(values, axis, first, wanted) for values in (hu, inside))
    return hu, inside, low * RAS_SIGN


def _lattice(image: sitk.Image, spacing: tuple[float, float, float]) -> tuple[np.ndarray, list]:
    """Return the first voxel's centre (RAS mm) and the size (I, J, K) before any crop."""
    last = np.array(image.GetSize()) - 1
    ends = [
        image.TransformIndexToPhysicalPoint((bits * last).tolist())
        for bits in (np.array([0, 0, 0]), np.array([1, 1, 1]))
    ]  # opposite corners span the box, as no axis is oblique
    ras = np.array(ends) * RAS_SIGN
    size = np.round(np.ptp(ras, axis=0) / np.array(spacing) + 1.0)
    return ras.min(0), [int(n) for n in size]


def _first_voxel(present: int, wanted: int) -> int:
    """Return which voxel becomes the first; negative where that many are put before it."""
    if present > wanted:
        return present // 2 - wanted // 2
    return -((wanted - present) // 2)


def _cut(values: np.ndarray, axis: int, first: int, count: int) -> np.ndarray:
    """Return `count` entries of an axis from `first` on; zeros where there are none."""
    before = max(0, -first)
    after = max(0, first + count - values.shape[axis])
    widths = [(before, after) if a == axis else (0, 0) for a in range(values.ndim)]
    padded = np.pad(values, widths)
    return np.take(padded, np.arange(first + before, first + before + count), axis=axis)
