"""Slices as a radiologist expects to see them: anterior up, the patient's right on the left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

PLANES = ("axial", "coronal", "sagittal")
# Letters at the left, right, top and bottom edge of each plane.
EDGE_LETTERS = {
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "S", "I"),
    "sagittal": ("A", "P", "S", "I"),
}


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
        turned = sitk.DICOMOrient(image, "LPS")
        return cls(sitk.GetArrayFromImage(turned), turned.GetSpacing())

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

    def extent_mm(self, name: str) -> tuple[float, float]:
        """Return height and width of a plane in mm."""
        k, j, i = (n * s for n, s in zip(self.voxels.shape, self.spacing[::-1], strict=True))
        return {"axial": (j, i), "coronal": (k, i), "sagittal": (k, j)}[name]


def busiest(change: Oriented, plane: str) -> int:
    """Return the slice of a plane with the greatest sum of |change|; the middle one if none."""
    axes = tuple(axis for axis in range(3) if axis != PLANES.index(plane))
    totals = np.abs(change.voxels.astype(np.float32)).sum(axis=axes)
    return int(totals.argmax()) if totals.any() else len(totals) // 2
