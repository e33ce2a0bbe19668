"""The wall of the chest outside its ribs: no finding of the lung or the pleura lies there."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from ..scans.grid import GridSpec

# Ribs, spine and sternum in a prepared voxel; and what of a rib a coarse scan shows.
BONE_HU, RIB_HU = 200.0, 150.0
# So far outside the ring of ribs and lungs it is wall: ribs are no polygon, and voxels are mixed.
MARGIN_MM = 3.0
# Ribs run obliquely: so far above and below a slice they still close its ring.
REACH_MM = 18.0
# A ring that holds less of the body's slice isn't closed: too few ribs are in sight.
LEAST_SHARE = 0.25
# Deeper than this below the skin it may be something else, where a field of view cuts the ribs.
WALL_MM = 45.0


class Ribs:
    """Tells, for some slices at a time, what lies between the ribs and the skin.

    Parameters
    ----------
    volume : numpy.ndarray
        (K, J, I), 0..1: the prepared scan.
    body, lungs : numpy.ndarray
        (K, J, I), bool; lungs may be None.
    spec : GridSpec
        Of all.
    """

    def __init__(
        self, volume: np.ndarray, body: np.ndarray, lungs: np.ndarray | None, spec: GridSpec
    ):
        self._volume, self._body, self._lungs, self._spec = volume, body, lungs, spec
        self._reach = max(1, round(REACH_MM / spec.spacing[2]))
        # On the window's scale: no copy of the volume in HU.
        self._bone = spec.window.to_unit(np.float32(RIB_HU))

    def wall(self, start: int, stop: int) -> np.ndarray:
        """Return the wall of slices [start, stop): (stop - start, J, I), bool."""
        body = self._body[start:stop]
        wall = np.zeros(body.shape, bool)
        margin = MARGIN_MM / self._spec.spacing[0]
        for k in range(start, stop):
            reach = slice(max(k - self._reach, 0), k + self._reach + 1)
            bones = ((self._volume[reach] > self._bone) & self._body[reach]).any(0)
            here = body[k - start]
            ring = _filled_hull(bones, margin)
            if ring is None or (ring & here).sum() < LEAST_SHARE * here.sum():
                continue
            if self._lungs is not None:
                ring |= _filled_hull(bones | self._lungs[reach].any(0), margin)
            wall[k - start] = here & ~ring & self._near_skin(here)
        return wall

    def _near_skin(self, body: np.ndarray) -> np.ndarray:
        """Return what lies near air around the body; the edge of the picture is no skin."""
        depth = ndimage.distance_transform_edt(
            np.pad(body, 1, mode="edge"), self._spec.spacing[1::-1]
        )
        return depth[1:-1, 1:-1] < WALL_MM


def _filled_hull(points: np.ndarray, margin: float) -> np.ndarray | None:
    """Return the convex hull of a mask (J, I) and so many voxels around; None if it has no area."""
    j, i = np.nonzero(points)
    if len(j) < 3:
        return None
    try:
        hull = ConvexHull(np.stack([j, i], 1))
    except QhullError:  # all in one line
        return None
    rows, columns = np.ogrid[: points.shape[0], : points.shape[1]]
    inside = np.ones(points.shape, bool)
    for a, b, c in np.unique(hull.equations, axis=0):
        inside &= a * rows + b * columns + c <= margin  # (a, b) has length 1
    return inside
