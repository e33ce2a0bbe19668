"""The motion of breathing out: diaphragm up, chest wall in; back, spine and apices stay.

Three displacements, each a product of profiles, so that their derivatives are exact products, too:

    up       W(J, I) f(K)   within the rib cage: its wall stays and the dome rises; fades above
                            towards the apex and below into the abdomen
    back     g(J) h(K)      the front wall, and all before it, comes in; the back stays
    inwards  l(I) h(K)      both side walls come in
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .fields import Spacing

# In from the rib cage's wall over this distance the diaphragm is free to rise.
FREE_MM = 28.0
# Below the dome the abdomen's content gives way over this distance, if the scan reaches so far;
# over less than the second it can't.
ABDOMEN_MM, LEAST_BELOW_MM = 180.0, 30.0
# Profiles are smoothed by this much, so that the motion has no kinks.
SMOOTH_MM = 10.0
# The wall's motion fades over this distance above and below the lungs.
WALL_FADE_MM = 60.0
# The chest's walls move most at this height of the lungs, and this much at their top.
WALL_AT_TOP = 0.2
ALL = slice(None)


@dataclass(frozen=True)
class Breath:
    """How far one unit of breathing out moves each place of a scan; see the module's text.

    Parameters
    ----------
    within, rise : numpy.ndarray
        W (J, I), 0..1, and f (K,), mm.
    front, height : numpy.ndarray
        g (J,), mm, and h (K,), 0..1.
    sides : numpy.ndarray
        l (I,), mm, towards Right.
    spacing : tuple of float
        (I, J, K) mm.
    """

    within: np.ndarray
    rise: np.ndarray
    front: np.ndarray
    sides: np.ndarray
    height: np.ndarray
    spacing: Spacing

    def sources(
        self, amount: float, slices: slice, rows: slice = ALL, columns: slice = ALL
    ) -> tuple[np.ndarray, ...]:
        """Return from where the voxels of a part get their content: K, J, I in voxels."""
        sk, sj, si = self.spacing[::-1]
        places = zip(
            (len(self.rise), len(self.front), len(self.sides)), (slices, rows, columns), strict=True
        )
        k, j, i = (np.arange(n, dtype=np.float32)[part] for n, part in places)
        h = self.height[slices, None, None]
        up = amount * self.rise[slices, None, None] * self.within[None, rows, columns]
        back = amount * self.front[None, rows, None] * h
        inwards = amount * self.sides[None, None, columns] * h
        return (
            k[:, None, None] - up / sk,
            np.broadcast_to(j[:, None] + back / sj, up.shape),
            np.broadcast_to(i - inwards / si, up.shape),
        )

    def density(self, amount: float, slices: slice, every: int = 1) -> np.ndarray:
        """Return how much more densely the content of some slices lies than before.

        The determinant of the derivative of `sources`, in mm: 1.2 is 1 mL pressed into 0.83 mL.
        In plane only of every n-th voxel, if so asked.
        """
        sk, sj, si = self.spacing[::-1]
        some = slice(None, None, every)
        f, w = self.rise[slices, None, None], self.within[None, some, some]
        df = np.gradient(self.rise, sk)[slices, None, None]
        dw_j, dw_i = (d[None, some, some] for d in np.gradient(self.within, sj, si))
        dg = np.gradient(self.front, sj)[None, some, None]
        dside = np.gradient(self.sides, si)[None, None, some]
        g, side = self.front[None, some, None], self.sides[None, None, some]
        h = self.height[slices, None, None]
        dh = np.gradient(self.height, sk)[slices, None, None]
        along_k = 1.0 - amount * df * w
        along_j, along_i = 1.0 + amount * dg * h, 1.0 - amount * dside * h
        up_j, up_i = amount * f * dw_j, amount * f * dw_i
        return (
            along_k * along_j * along_i
            + up_j * amount * g * dh * along_i
            - up_i * amount * side * dh * along_j
        )

    def moved(self, slices: slice) -> np.ndarray:
        """Return where anything moves at all, (K, J, I) of some slices, bool."""
        up = (self.rise[slices] > 0)[:, None, None] & (self.within > 0)[None]
        wall = (self.height[slices] > 0)[:, None, None]
        return up | (wall & ((self.front > 0)[:, None] | (self.sides != 0)[None]))


def breath_of(
    lungs: np.ndarray, spacing: Spacing, rise_mm: float, front_mm: float, sides_mm: float
) -> Breath:
    """Return the motion that fits these lungs.

    Parameters
    ----------
    lungs : numpy.ndarray
        (K, J, I), bool, not empty.
    spacing : tuple of float
        (I, J, K) mm.
    rise_mm, front_mm, sides_mm : float
        How far one unit moves dome, front wall and each side wall.
    """
    sk, sj, si = spacing[::-1]
    cage = _cage(np.asarray(lungs.any(axis=0)))
    depth = ndimage.distance_transform_edt(np.pad(cage, 1), sampling=(sj, si))[1:-1, 1:-1]
    within = _eased(depth / FREE_MM).astype(np.float32)
    slices = np.flatnonzero(lungs.any(axis=(1, 2)))
    bottom, top = int(slices[0]), int(slices[-1])
    rise = rise_mm * _rise(lungs, within, bottom, top, sk)
    rows, columns = (np.flatnonzero(cage.any(axis=axis)) for axis in (1, 0))
    front = _ramp(len(cage), rows[0], rows[-1])
    sides = 2.0 * _ramp(cage.shape[1], columns[0], columns[-1]) - 1.0
    k = np.arange(len(lungs))
    outside = np.maximum(np.maximum(bottom - k, k - top), 0) * sk
    height = _eased(1.0 - outside / WALL_FADE_MM)
    height *= np.interp(k, [bottom, top], [1.0, WALL_AT_TOP])
    return Breath(
        within,
        rise.astype(np.float32),
        (front_mm * _eased(front)).astype(np.float32),
        (-sides_mm * sides).astype(np.float32),
        ndimage.gaussian_filter1d(height, SMOOTH_MM / sk).astype(np.float32),
        spacing,
    )


def _cage(shadow: np.ndarray) -> np.ndarray:
    """Fill a projection of the lungs (J, I) between the lungs, but for its rear half: the spine."""
    first = shadow.argmax(axis=1)[:, None]
    last = (shadow.shape[1] - 1 - shadow[:, ::-1].argmax(axis=1))[:, None]
    columns = np.arange(shadow.shape[1])[None]
    held = np.asarray(shadow.any(axis=1))
    cage = np.asarray(held[:, None] & (columns >= first) & (columns <= last))
    rows = np.flatnonzero(held)
    rear = (rows[0] + rows[-1]) // 2  # J grows to Anterior
    cage[:rear] = shadow[:rear]
    return cage


def _rise(lungs: np.ndarray, within: np.ndarray, bottom: int, top: int, step: float) -> np.ndarray:
    """Return f / its greatest value, (K,): 1 at the dome of the diaphragm, 0 at apex and below.

    0 throughout if the scan ends too near to the dome, so that there is nothing to move in.
    """
    shadow = np.asarray(lungs.any(axis=0))
    free = np.asarray(shadow & (within > 0.5))
    if not free.any():
        free = shadow
    dome = min(float(np.median(lungs.argmax(axis=0)[free])), (bottom + top) / 2)
    if dome * step < LEAST_BELOW_MM:
        return np.zeros(len(lungs))
    start = max(0.0, dome - ABDOMEN_MM / step)
    k = np.arange(len(lungs))
    profile = np.interp(k, [start, dome, top], [0.0, 1.0, 0.0])
    smooth = ndimage.gaussian_filter1d(profile, SMOOTH_MM / step, mode="nearest")
    smooth -= np.interp(k, [start, dome], [smooth[0], 0.0])  # the scan's lower end stays
    return np.where(k <= top, smooth.clip(0.0), 0.0)


def _ramp(count: int, first: int, last: int) -> np.ndarray:
    """Return 0 up to `first`, 1 from `last` on, and a straight line between."""
    return np.interp(np.arange(count), [first, max(last, first + 1)], [0.0, 1.0])


def _eased(share: np.ndarray) -> np.ndarray:
    """Return 0..1 -> 0..1 with a flat start and end."""
    s = np.clip(share, 0.0, 1.0)
    return s * s * (3.0 - 2.0 * s)
