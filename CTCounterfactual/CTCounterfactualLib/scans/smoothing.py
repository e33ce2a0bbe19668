"""Smoothing before a scan is sampled down, without a second copy of it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from .pieces import image_pieces
from .resample import Check

# Ratio of full width at half maximum to standard deviation of a Gaussian.
FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
# Below this the scan is not coarser than it needs to be and smoothing would only blur it.
MIN_DOWNSAMPLING = 1.25
# The recursive filter needs this many voxels along an axis.
MIN_VOXELS = 4


def smooth_for_spacing(
    image: sitk.Image, target_mm: np.ndarray, check: Check | None = None
) -> None:
    """Blur each index axis of `image` just enough that sampling it at `target_mm` doesn't alias.

    In place: lines of voxels are filtered one by one, so a part of the image may be done after the
    other, and the memory for it is that of a part. The Gaussian's variance is the difference of the
    variances of two Gaussians whose full widths at half maximum are the target and the present
    spacing (Cardoso et al., "Scale factor point spread function matching", MICCAI 2015).

    Parameters
    ----------
    image : SimpleITK.Image
        3D, float32.
    target_mm : numpy.ndarray
        (3,), mm along I, J, K.
    check : callable, optional
        Asked before each part; raises if the work is to stop.
    """
    for axis, (target, spacing) in enumerate(zip(target_mm, image.GetSpacing(), strict=True)):
        if target < MIN_DOWNSAMPLING * spacing or image.GetSize()[axis] < MIN_VOXELS:
            continue
        sigma = float(np.sqrt(target**2 - spacing**2) / FWHM_PER_SIGMA)
        across = 1 if axis == 2 else 2  # parts must hold whole lines along the filtered axis
        for part in image_pieces(image, across):
            if check is not None:
                check()
            image[part] = sitk.RecursiveGaussian(image[part], sigma, direction=axis)


def smooth_to_prepared(
    image: sitk.Image, spacing: tuple[float, float, float], check: Check | None = None
) -> None:
    """Blur a float32 image on a scan's grid, in place, for sampling on the prepared grid.

    Each index axis of an arbitrarily oriented scan has the prepared `spacing` (I, J, K; mm) that it
    meets. `check` is asked now and then, and raises if the work is to stop.
    """
    direction = np.array(image.GetDirection()).reshape(3, 3)  # (physical, index)
    # Squared cosines sum to 1 along each index axis.
    smooth_for_spacing(image, (direction**2).T @ np.array(spacing), check)
