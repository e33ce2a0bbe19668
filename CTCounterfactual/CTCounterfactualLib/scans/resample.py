"""Resampling to the patient's axes; it can be stopped while it works."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import SimpleITK as sitk

# ITK works in LPS; index axes that grow to Right, Anterior, Superior are therefore -x, -y, +z.
RAS_DIRECTION_IN_LPS = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)

# Raises if the work is to stop.
Check = Callable[[], None]


def resample_to_ras(
    image: sitk.Image,
    size: Sequence[int],
    origin: Sequence[float],
    spacing: Sequence[float],
    outside: float,
    border_goes_on: bool = False,
    check: Check | None = None,
) -> np.ndarray:
    """Resample an image linearly to a grid along the patient's axes: (K, J, I), float32.

    Parameters
    ----------
    image : SimpleITK.Image
        3D.
    size : sequence of int
        (I, J, K) of the grid.
    origin : sequence of float
        LPS mm of the grid's voxel (0, 0, 0).
    spacing : sequence of float
        (I, J, K) mm.
    outside : float
        The value where there is no image.
    border_goes_on : bool
        Put the nearest voxel's value there instead.
    check : callable, optional
        Asked about a hundred times, evenly over the work; what it raises is raised here.
    """
    resampling = sitk.ResampleImageFilter()
    resampling.SetInterpolator(sitk.sitkLinear)
    resampling.SetSize([int(n) for n in size])
    resampling.SetOutputOrigin([float(v) for v in origin])
    resampling.SetOutputSpacing([float(v) for v in spacing])
    resampling.SetOutputDirection(RAS_DIRECTION_IN_LPS)
    resampling.SetDefaultPixelValue(outside)
    resampling.SetOutputPixelType(sitk.sitkFloat32)
    resampling.SetUseNearestNeighborExtrapolator(border_goes_on)
    return sitk.GetArrayFromImage(_executed(resampling, image, check))


def _executed(work: sitk.ResampleImageFilter, image: sitk.Image, check: Check | None) -> sitk.Image:
    """Run a filter, and end it as soon as `check` raises."""
    if check is None:
        return work.Execute(image)
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            if not raised:  # each thread goes on to its next line of voxels
                check()
        except BaseException as error:  # ITK would print it, and raise another one in its place
            raised.append(error)
            work.Abort()

    work.AddCommand(sitk.sitkProgressEvent, ask)
    try:
        return work.Execute(image)
    except RuntimeError:
        if raised:
            raise raised[0] from None
        raise
    finally:
        work.RemoveAllCommands()
