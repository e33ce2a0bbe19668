"""Whether a change looks like one from slice to slice, and from chunk to chunk.

slice_roughness  mean |step of the change between neighbouring slices| / mean in-plane
                 |gradient| of the change, both per mm: 0 if all slices change alike, about
                 0.6 for white noise in cubic voxels
border_jump      mean |step of a map across chunk borders| / mean |step inside chunks|: 1 is no
                 border to be seen
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .neighbourhood import box_around


def slice_roughness(change: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Return mean |dz change| / mean in-plane |gradient of change|, both per mm.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I), any unit.
    spacing : tuple of float
        (I, J, K) mm.
    """
    through = np.mean([np.abs(above - below).mean() for below, above in pairwise(change)])
    in_plane = np.mean([_steepness(picture, spacing) for picture in change])  # a slice at a time
    return float(through / spacing[2] / max(in_plane, np.finfo(np.float32).tiny))


def _steepness(picture: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Return the mean |gradient| per mm of one slice (J, I)."""
    along_j = np.diff(picture, axis=0)[:, :-1] / spacing[1]
    along_i = np.diff(picture, axis=1)[:-1] / spacing[0]
    return float(np.hypot(along_j, along_i).mean())


def roughness(change: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, float]:
    """Return `slice_roughness` of the changed part; nothing if there is none, or one slice only."""
    box = box_around(change != 0, (1, 1, 1))  # what didn't change has no steps
    if box is None or min(change[box].shape) < 2:
        return {}
    part = change[box].astype(np.float32)
    return {"slice_roughness": slice_roughness(part, spacing)}


def border_jump(values: np.ndarray, chunk: np.ndarray) -> dict[str, float]:
    """Return `border_jump` of a map; nothing if it has no border, or no step inside a chunk.

    Parameters
    ----------
    values : numpy.ndarray
        (K, J, I): a signed map, such as a heatmap's levels in HU.
    chunk : numpy.ndarray
        (K,), int: which chunk each slice belongs to.
    """
    steps = np.array(
        [np.abs(above - below).mean(dtype=np.float64) for below, above in pairwise(values)]
    )
    shown = np.array([bool(part.any()) for part in values])
    of_interest = shown[:-1] | shown[1:]  # slices without a change on either side say nothing
    across = (chunk[:-1] != chunk[1:]) & of_interest
    inside = (chunk[:-1] == chunk[1:]) & of_interest
    if not across.any() or not inside.any() or not steps[inside].mean():
        return {}
    return {"border_jump": float(steps[across].mean() / steps[inside].mean())}
