"""The pleural spaces of a scan: each lung with how dependent its points are in a supine patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# Voxels added around a lung, so that what is painted can reach the wall beside it.
BOX_MARGIN_MM = 9.0
# A second connected part is the other lung if it is at least this share of the first.
OTHER_LUNG_SHARE = 0.15
# Two lungs that touch (at the anterior junction) are wider than one lung can be.
ONE_LUNG_WIDEST_MM = 200.0
# Distance to the pleura within which fluid climbs (its meniscus).
MENISCUS_REACH_MM = 26.0


@dataclass(frozen=True)
class PleuralSpace:
    """One hemithorax, cut out of a scan.

    Parameters
    ----------
    box : tuple of slice
        Where it lies in the scan (K, J, I).
    lung : numpy.ndarray
        (K, J, I) of the box, bool: where fluid can take the place of lung.
    wall : numpy.ndarray
        (K, J, I), mm: distance to the pleura, inside (0 at the pleura and outside).
    outside : numpy.ndarray
        (K, J, I), mm: distance to the lung, outside (0 within the lung).
    spacing : tuple of float
        (I, J, K) mm.
    """

    box: tuple[slice, slice, slice]
    lung: np.ndarray
    wall: np.ndarray
    outside: np.ndarray
    spacing: tuple[float, float, float]

    @property
    def ml(self) -> float:
        """Volume of the lung, mL."""
        return float(self.lung.sum()) * self.voxel_ml

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel, mL."""
        return float(np.prod(self.spacing)) * 1e-3

    def depth(self, direction: tuple[float, float, float], meniscus_mm: float) -> np.ndarray:
        """Return how far along `direction` each point lies, mm, (K, J, I) of the box.

        Parameters
        ----------
        direction : tuple of float
            (K, J, I) = (Superior, Anterior, Right), any length: (-0.2, -1, 0) is to the back and,
            100 mm further down, 20 mm deeper.
        meniscus_mm : float
            How much deeper than its place a point at the pleura counts.
        """
        k, j, i = (
            np.arange(n, dtype=np.float32) * s
            for n, s in zip(self.lung.shape, self.spacing[::-1], strict=True)
        )
        plane = direction[0] * k[:, None, None] + direction[1] * j[:, None] + direction[2] * i
        climb = np.clip(1.0 - self.wall / MENISCUS_REACH_MM, 0.0, 1.0)
        return (plane + meniscus_mm * climb).astype(np.float32)


def find_spaces(lungs: np.ndarray, spacing: tuple[float, float, float]) -> tuple[PleuralSpace, ...]:
    """Split a lung mask (K, J, I; I grows to Right) into one or two pleural spaces."""
    margin = [int(np.ceil(BOX_MARGIN_MM / s)) for s in spacing[::-1]]
    spaces = []
    for side in _sides(lungs, spacing):
        (tight,) = ndimage.find_objects(side.astype(np.uint8))
        k, j, i = (
            slice(max(0, part.start - m), min(n, part.stop + m))
            for part, m, n in zip(tight, margin, side.shape, strict=True)
        )
        box = (k, j, i)
        lung = side[box]
        sampling = spacing[::-1]
        wall = ndimage.distance_transform_edt(lung, sampling=sampling).astype(np.float32)
        outside = ndimage.distance_transform_edt(~lung, sampling=sampling).astype(np.float32)
        spaces.append(PleuralSpace(box, lung, wall, outside, spacing))
    return tuple(spaces)


def _sides(lungs: np.ndarray, spacing: tuple[float, float, float]) -> list[np.ndarray]:
    """Return each lung alone: connected parts, or the halves of a part as wide as two lungs."""
    labels, count = ndimage.label(lungs)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    if not count:
        return []
    kept = [labels == n + 1 for n in np.flatnonzero(sizes >= OTHER_LUNG_SHARE * sizes.max())]
    sides = []
    for part in kept:
        columns = np.flatnonzero(part.any(axis=(0, 1)))
        width = (columns[-1] - columns[0] + 1) * spacing[0]
        if width <= ONE_LUNG_WIDEST_MM:
            sides.append(part)
            continue
        middle = _narrowest(part, columns)
        left, right = part.copy(), part.copy()
        left[:, :, middle:], right[:, :, :middle] = False, False
        sides += [left, right]
    return sides


def _narrowest(part: np.ndarray, columns: np.ndarray) -> int:
    """Return the sagittal plane with the least lung in the middle third."""
    third = len(columns) // 3
    middle = columns[third : len(columns) - third]
    return int(middle[part[:, :, middle].sum(axis=(0, 1)).argmin()])
