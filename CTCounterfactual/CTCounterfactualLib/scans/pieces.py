"""Going through a volume a few slices at a time, so that temporary arrays stay small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import SimpleITK as sitk

# Voxels at a time, four slices of 512 x 512: small against any scan and in reach of a processor's
# cache, yet large against the cost of a call.
PIECE_VOXELS = 1 << 20


def pieces(shape: Sequence[int], axis: int = 0) -> Iterator[slice]:
    """Yield slices that together cover one axis, each of about `PIECE_VOXELS` voxels."""
    count = shape[axis]
    plane = max(int(np.prod(shape, dtype=np.int64)) // max(count, 1), 1)
    step = max(PIECE_VOXELS // plane, 1)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def image_pieces(image: sitk.Image, axis: int = 2) -> Iterator[tuple[slice, slice, slice]]:
    """Yield indices (I, J, K) that cut a 3D image along one of its axes, as `pieces` does."""
    for part in pieces(image.GetSize(), axis):
        i, j, k = (part if axis == each else slice(None) for each in range(3))
        yield i, j, k
