"""Hounsfield units (HU) and the 0..1 intensities that the models see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# By definition of the Hounsfield scale (air at -1000, water at 0).
AIR_HU = -1000
# What a 12-bit CT scanner can store with the usual intercept of -1024.
MIN_STORED_HU = -1024
MAX_STORED_HU = 3071


def in_type(scan: np.ndarray, wanted: np.dtype) -> np.ndarray:
    """Return a scan's voxels, HU, in another voxel type: rounded and cut to what that holds.

    A scan that is of this type already is returned itself, not copied.
    """
    if scan.dtype == wanted:
        return scan
    if wanted.kind == "f":
        return scan.astype(wanted)
    limits = np.iinfo(wanted)
    if scan.dtype.kind != "f":
        low, high = (
            max(limits.min, np.iinfo(scan.dtype).min),
            min(limits.max, np.iinfo(scan.dtype).max),
        )
        return np.clip(scan, low, high).astype(wanted)
    return np.rint(np.clip(scan, limits.min, limits.max)).astype(wanted)


@dataclass(frozen=True)
class IntensityWindow:
    """The HU interval that maps linearly onto 0..1; what lies outside is clipped.

    Default: -1000..1000 HU, as in Cohen et al., "Explaining 3D Computed Tomography Classifiers with
    Counterfactuals" (the paper's code scales the same interval).
    """

    low_hu: float = float(AIR_HU)
    high_hu: float = 1000.0

    @property
    def hu_per_unit(self) -> float:
        """HU per unit of the 0..1 intensity (2000 for the default window)."""
        return self.high_hu - self.low_hu

    def to_unit(self, hu):
        """Clip HU to the window and map it to 0..1; works on NumPy arrays and torch tensors."""
        return (hu.clip(self.low_hu, self.high_hu) - self.low_hu) / self.hu_per_unit

    def to_hu(self, unit):
        """Map 0..1 intensities back to HU (no clipping)."""
        return unit * self.hu_per_unit + self.low_hu
