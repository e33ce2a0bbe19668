"""The mirror plane of a body, and what lies on its other side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...scans.grid import PreparedScan
from .place import Spot

# The plane lies this near to the body's middle, and is looked for in halves of a voxel.
SEARCH_MM = 30.0
# Slices that tell it: patients lie bent, so those around the spot count.
NEARBY_MM = 45.0


@dataclass(frozen=True)
class MirrorPlane:
    """A sagittal plane, in halves of a voxel along I.

    Parameters
    ----------
    twice : int
        Twice its place: voxel i lies opposite voxel `twice - i`.
    """

    twice: int

    @property
    def centre(self) -> np.ndarray:
        """A point on it: (K, J, I), of which I says where it lies."""
        return np.array([0.0, 0.0, self.twice / 2])


def find_plane(prepared: PreparedScan, spot: Spot) -> MirrorPlane | None:
    """Return the plane by which the body around a spot's slices looks most like its mirror image.

    None where there is no body.
    """
    reach = round(NEARBY_MM / prepared.spec.spacing[2])
    slices = slice(max(spot.box[0].start - reach, 0), spot.box[0].stop + reach)
    body = prepared.body[slices]
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    if not len(columns):
        return None
    volume = np.where(body, prepared.volume[slices], 0)
    middle = int(columns[0] + columns[-1])
    span = round(2 * SEARCH_MM / prepared.spec.spacing[0])
    candidates = sorted(range(middle - span, middle + span + 1), key=lambda t: abs(t - middle))
    return MirrorPlane(min(candidates, key=lambda twice: _difference(volume, twice)))


def _difference(volume: np.ndarray, twice: int) -> float:
    """Return the mean |difference| of (K, J, I) and its mirror image; beyond the edge is air."""
    last = volume.shape[2] - 1
    low, high = max(0, twice - last), min(last, twice)
    if high <= low:
        return float("inf")
    part = volume[..., low : high + 1]
    there = float(np.abs(part - part[..., ::-1]).sum(dtype=np.float64))
    beyond = float(volume.sum(dtype=np.float64) - part.sum(dtype=np.float64))
    return there + 2 * beyond  # each voxel of these stands against nothing, on both sides


def mirrored(
    volume: np.ndarray, allowed: np.ndarray, spot: Spot, plane: MirrorPlane
) -> tuple[np.ndarray | None, str]:
    """Return the box of a spot as the other side shows it, or None and why there is none.

    Parameters
    ----------
    volume, allowed : numpy.ndarray
        (K, J, I), 0..1: the scan, and where the body is.
    """
    k, j, i = spot.box
    first, last = plane.twice - (i.stop - 1), plane.twice - i.start
    if first < 0 or last >= volume.shape[2]:
        return None, "the other side lies outside the scan"
    if first < i.stop and i.start <= last:
        return None, "the spot lies on the mirror plane"
    other = (k, j, slice(first, last + 1))
    inside = allowed[other][..., ::-1]
    if (inside[spot.weight > 0] == 0).any():
        return None, "the other side lies outside the body"
    return volume[other][..., ::-1], ""
