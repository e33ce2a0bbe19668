"""Slices as a radiologist expects to see them: anterior up, the patient's right on the left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import SimpleITK as sitk

from ..scans.pieces import pieces

PLANES = ("axial", "coronal", "sagittal")
# Letters at the left, right, top and bottom edge of each plane.
EDGE_LETTERS = {
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "S", "I"),
    "sagittal": ("A", "P", "S", "I"),
}

# Index axis (I, J, K of LPS order) that a plane's slices are counted along.
ACROSS = {"axial": 2, "coronal": 1, "sagittal": 0}


@dataclass(frozen=True)
class TurnedGrid:
    """The grid of a scan turned as `Oriented` turns its voxels: geometry only, nothing is copied.

    Parameters
    ----------
    image : SimpleITK.Image
        The scan as it is.
    """

    image: sitk.Image

    @property
    def size(self) -> tuple[int, ...]:
        """Voxels along (I to Left, J to Posterior, K to Superior)."""
        return tuple(self.image.GetSize()[axis] for axis in _turn(self.image)[0])

    def point(self, index: Sequence[float]) -> tuple[float, ...]:
        """Return the place (LPS mm) of a turned index (I, J, K), between voxels too."""
        order, flips = _turn(self.image)
        own = [0.0, 0.0, 0.0]
        for axis, flip, at in zip(order, flips, index, strict=True):
            own[axis] = self.image.GetSize()[axis] - 1 - at if flip else float(at)
        return self.image.TransformContinuousIndexToPhysicalPoint(own)

    def slice(self, plane: str, index: int) -> sitk.Image:
        """Return one slice as an image of zeros (uint8), for resampling onto it."""
        order, flips = _turn(self.image)
        size, first = list(self.size), [0, 0, 0]
        across = ACROSS[plane]
        size[across], first[across] = 1, index
        piece = sitk.Image(size, sitk.sitkUInt8)
        piece.SetOrigin(self.point(first))
        piece.SetSpacing([self.image.GetSpacing()[axis] for axis in order])
        own = np.array(self.image.GetDirection()).reshape(3, 3)
        turned = own[:, list(order)] * np.where(flips, -1.0, 1.0)
        piece.SetDirection(turned.ravel().tolist())
        return piece


def _turn(image: sitk.Image) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Return which index axes become I, J, K of LPS order, and which of these are then flipped."""
    orient = sitk.DICOMOrientImageFilter()
    orient.SetDesiredCoordinateOrientation("LPS")
    probe = sitk.Image([1, 1, 1], sitk.sitkUInt8)
    probe.SetDirection(image.GetDirection())
    orient.Execute(probe)
    return orient.GetPermuteOrder(), orient.GetFlipAxes()


@dataclass(frozen=True)
class Oriented:
    """A volume turned to (K to Superior, J to Posterior, I to Left), whatever its scan's order.

    Parameters
    ----------
    voxels : numpy.ndarray
        (K, J, I).
    spacing : tuple of float
        (I, J, K) mm.
    """

    voxels: np.ndarray
    spacing: tuple[float, float, float]

    @classmethod
    def of(cls, image: sitk.Image) -> Oriented:
        """Permute and flip an image's axes to the nearest LPS order; oblique angles stay."""
        return cls.on_grid(image, sitk.GetArrayFromImage(image))

    @classmethod
    def on_grid(cls, image: sitk.Image, voxels: np.ndarray) -> Oriented:
        """Turn an array that lies on an image's grid, as `of` does; a view, not a copy.

        Parameters
        ----------
        image : SimpleITK.Image
            Only its geometry counts.
        voxels : numpy.ndarray
            (K, J, I).
        """
        order, flips = _turn(image)
        turned = voxels.transpose([2 - axis for axis in reversed(order)])
        turned = turned[tuple(slice(None, None, -1 if flip else 1) for flip in reversed(flips))]
        spacing = image.GetSpacing()
        return cls(turned, tuple(spacing[axis] for axis in order))

    def plane(self, name: str, index: int) -> np.ndarray:
        """Return one slice as rows and columns of a picture, first row on top."""
        if name == "axial":
            return self.voxels[index]
        if name == "coronal":
            return self.voxels[::-1, index]  # K grows to Superior, pictures grow down
        return self.voxels[::-1, :, index]

    def count(self, name: str) -> int:
        """Return the number of slices of a plane."""
        return self.voxels.shape[PLANES.index(name)]

    def aspect(self, name: str) -> float:
        """Return height of a pixel over its width."""
        i, j, k = self.spacing
        return {"axial": j / i, "coronal": k / i, "sagittal": k / j}[name]

    @cached_property
    def totals(self) -> tuple[np.ndarray, ...]:
        """Sums of |voxels| in each axial, coronal and sagittal slice, float64."""
        totals = [np.zeros(n) for n in self.voxels.shape]
        for part in pieces(self.voxels.shape):
            size = np.abs(self.voxels[part].astype(np.float32))
            rows = size.sum(axis=2, dtype=np.float64)  # (K, J, I) -> (K, J)
            totals[0][part] = rows.sum(axis=1)
            totals[1] += rows.sum(axis=0)
            totals[2] += size.sum(axis=(0, 1), dtype=np.float64)
        return tuple(totals)

    def extent_mm(self, name: str) -> tuple[float, float]:
        """Return height and width of a plane in mm."""
        k, j, i = (n * s for n, s in zip(self.voxels.shape, self.spacing[::-1], strict=True))
        return {"axial": (j, i), "coronal": (k, i), "sagittal": (k, j)}[name]


def busiest(change: Oriented, plane: str) -> int:
    """Return the slice of a plane with the greatest sum of |change|; the middle one if none."""
    totals = change.totals[PLANES.index(plane)]
    return int(totals.argmax()) if totals.any() else len(totals) // 2
