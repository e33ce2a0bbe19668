"""A fixed 3 mm lattice that carries smooth anatomy, and its cubic resampling onto voxels.

Slowly varying quantities (distances to large surfaces, coordinates) are computed once on this
lattice and interpolated, which makes anatomy independent of the voxel grid and cheap at 512^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from .chest_settings import FIELD_CENTRE_MM, FIELD_OF_VIEW_MM

LATTICE_STEP_MM = 3.0
# Beyond the field of view, so that its edge voxels are still interpolated.
LATTICE_MARGIN_MM = 9.0


def lattice_axes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The x, y, z coordinates of the lattice, LPS mm."""
    axes = []
    for centre, field in zip(FIELD_CENTRE_MM, FIELD_OF_VIEW_MM, strict=True):
        half = np.ceil((0.5 * field + LATTICE_MARGIN_MM) / LATTICE_STEP_MM)
        axes.append(centre + LATTICE_STEP_MM * np.arange(-half, half + 1))
    return axes[0], axes[1], axes[2]


def cubic_weights(axis: np.ndarray, positions: np.ndarray) -> sparse.csr_array:
    """Catmull-Rom interpolation matrix (positions, lattice points); clamped at the ends.

    Sparse, as only four lattice points act on a position: a dense product would spend its time
    on zeros and, on a busy machine, in the waiting threads of BLAS.
    """
    u = np.clip((positions - axis[0]) / LATTICE_STEP_MM, 1.0, len(axis) - 2.001)
    base = np.floor(u).astype(int)
    t = u - base
    taps = (
        0.5 * (-t + 2 * t**2 - t**3),
        0.5 * (2 - 5 * t**2 + 3 * t**3),
        0.5 * (t + 4 * t**2 - 3 * t**3),
        0.5 * (-(t**2) + t**3),
    )
    rows = np.tile(np.arange(len(positions)), 4)
    columns = np.concatenate([base + offset for offset in (-1, 0, 1, 2)])
    values = np.concatenate(taps).astype(np.float32)
    return sparse.csr_array((values, (rows, columns)), shape=(len(positions), len(axis)))


@dataclass(frozen=True)
class Block:
    """A box of sample points: `x`, `y`, `z` LPS mm axes; arrays on it are (z, y, x)."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    edge_mm: float  # width of a partial-volume edge

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.z), len(self.y), len(self.x)

    @cached_property
    def _weights(self) -> tuple[sparse.csr_array, ...]:
        return tuple(
            cubic_weights(axis, own)
            for axis, own in zip(lattice_axes(), (self.x, self.y, self.z), strict=True)
        )

    def sample(self, field: np.ndarray) -> np.ndarray:
        """Interpolate a lattice field onto this block: (z, y, x) float32."""
        wx, wy, wz = self._weights
        _, rows, columns = field.shape
        planes = wz @ field.reshape(len(field), -1)  # (z, lattice y * lattice x)
        lines = (wx @ planes.reshape(-1, columns).T).T  # (z * lattice y, x)
        lines = np.ascontiguousarray(lines).reshape(len(self.z), rows, -1)  # (z, lattice y, x)
        return np.stack([wy @ plane for plane in lines])  # (z, y, x)

    def window(self, low: tuple[float, float, float], high: tuple[float, float, float]):
        """Index slices (z, y, x) of the part within a box in mm, or None if there is none."""
        parts = []
        for axis, a, b in zip((self.z, self.y, self.x), low[::-1], high[::-1], strict=True):
            first, last = np.searchsorted(axis, a), np.searchsorted(axis, b, side="right")
            if first >= last:
                return None
            parts.append(slice(int(first), int(last)))
        return tuple(parts)

    def part(self, window) -> Block:
        """The block of a `window`."""
        kz, ky, kx = window
        return Block(self.x[kx], self.y[ky], self.z[kz], self.edge_mm)
