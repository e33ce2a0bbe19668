"""Signed distances (mm, negative inside) and how they blend; smooth random fields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def smooth_min(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """Union of two shapes whose seam is rounded over `width` mm (polynomial smooth minimum)."""
    h = np.maximum(width - np.abs(a - b), 0.0) / width
    return np.minimum(a, b) - h * h * (0.25 * width)


def smooth_max(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """Intersection of two shapes whose edge is rounded over `width` mm."""
    h = np.maximum(width - np.abs(a - b), 0.0) / width
    return np.maximum(a, b) + h * h * (0.25 * width)


def coverage(distance: np.ndarray, edge_mm: float) -> np.ndarray:
    """Fraction of a voxel inside a shape: 0.5 on its surface, linear over `edge_mm`."""
    return np.clip(0.5 - distance / edge_mm, 0.0, 1.0)


def ramp(value: np.ndarray, start: float, stop: float) -> np.ndarray:
    """0 before `start`, 1 after `stop`, smooth (cubic) between."""
    t = np.clip((value - start) / (stop - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(value: np.ndarray, centre: float | np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian of height 1."""
    return np.exp(-0.5 * ((value - centre) / sigma) ** 2)


def ellipsoid(x, y, z, centre, radii, axes: np.ndarray | None = None) -> np.ndarray:
    """Approximate signed distance to an ellipsoid; rows of `axes` are its unit axes."""
    p = (x - centre[0], y - centre[1], z - centre[2])
    if axes is not None:
        p = tuple(a[0] * p[0] + a[1] * p[1] + a[2] * p[2] for a in axes)
    unit = np.sqrt(sum((c / r) ** 2 for c, r in zip(p, radii, strict=True)))
    slope = np.sqrt(sum((c / (r * r)) ** 2 for c, r in zip(p, radii, strict=True)))
    # First-order distance k0 (k0 - 1) / k1; the floor keeps the centre finite.
    return unit * (unit - 1.0) / np.maximum(slope, 1e-4)


def segment_2d(x, y, ax, ay, bx, by) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the segment a-b in the axial plane, and the position along it (0..1)."""
    dx, dy = bx - ax, by - ay
    t = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
    return np.hypot(x - ax - t * dx, y - ay - t * dy), t


@dataclass(frozen=True)
class SmoothField:
    """A smooth random field: a sum of plane waves, defined at every point in mm.

    Standard deviation 1. It depends on no voxel grid, so two spacings see the same field.
    """

    waves: np.ndarray  # (N, 3) radians per mm
    phases: np.ndarray  # (N,)

    @staticmethod
    def draw(rng: np.random.Generator, wavelength_mm: float, count: int = 10) -> SmoothField:
        """Draw waves of random direction around `wavelength_mm` (0.75 to 1.5 times)."""
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = wavelength_mm * rng.uniform(0.75, 1.5, size=(count, 1))
        return SmoothField(2 * np.pi * directions / lengths, rng.uniform(0, 2 * np.pi, count))

    def on_axes(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Values on the grid of three 1D axes (mm): (len z, len y, len x) float32.

        A plane wave is a product of one factor per axis, which makes this cheap.
        """
        total = np.zeros((len(z), len(y), len(x)), np.float32)
        for wave, phase in zip(self.waves, self.phases, strict=True):
            along = [np.exp(1j * w * c) for w, c in zip(wave, (x, y, z), strict=True)]
            plane = (along[1][:, None] * along[0][None, :] * np.exp(1j * phase)).astype(
                np.complex64
            )
            shift = along[2].astype(np.complex64)
            total += shift.real[:, None, None] * plane.real - shift.imag[:, None, None] * plane.imag
        return total * np.float32(np.sqrt(2.0 / len(self.waves)))

    def at(self, points: np.ndarray) -> np.ndarray:
        """Values at points (N, 3) mm."""
        angle = points @ self.waves.T + self.phases  # (N, waves)
        return np.cos(angle).sum(axis=1) * np.sqrt(2.0 / len(self.waves))
