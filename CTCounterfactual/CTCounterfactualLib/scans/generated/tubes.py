"""Tapered tubes in mm (vessels, airways, long bones) and their partial-volume drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import make_interp_spline

from .lattice import Block

# Straight pieces of this length draw a curved vessel without visible corners.
PIECE_MM = 4.0


@dataclass(frozen=True)
class Tubes:
    """Straight tapered pieces: `start`, `end` (N, 3) mm; radii there `r0`, `r1` (N,) mm."""

    start: np.ndarray
    end: np.ndarray
    r0: np.ndarray
    r1: np.ndarray

    def __len__(self) -> int:
        return len(self.r0)

    def grown(self, add_mm: float = 0.0, factor: float = 1.0) -> Tubes:
        """The same tubes with other radii."""
        return Tubes(self.start, self.end, self.r0 * factor + add_mm, self.r1 * factor + add_mm)

    def pick(self, rows: np.ndarray) -> Tubes:
        """Some of the pieces."""
        return Tubes(self.start[rows], self.end[rows], self.r0[rows], self.r1[rows])


def join(parts: list[Tubes]) -> Tubes:
    """All pieces of several tubes."""
    return Tubes(
        *(np.concatenate([getattr(p, f) for p in parts]) for f in ("start", "end", "r0", "r1"))
    )


def spline_tube(through: ArrayLike | Sequence[Any], thickness: ArrayLike) -> Tubes:
    """A smooth tube through points (N, 3) mm with radii (N,) mm."""
    points, radii = np.asarray(through, float), np.asarray(thickness, float)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    curve = make_interp_spline(along, points, k=min(3, len(points) - 1))
    t = np.linspace(0.0, along[-1], max(2, int(np.ceil(along[-1] / PIECE_MM)) + 1))
    path, r = curve(t), np.interp(t, along, radii)
    return Tubes(path[:-1], path[1:], r[:-1], r[1:])


def _axis_distance(block: Block, start, end, r0: float, r1: float):
    """Distance to the axis of one piece and the radius beside it, each (z, y, x)."""
    direction = end - start
    length2 = max(float(direction @ direction), 1e-9)
    x = (block.x - start[0]).astype(np.float32)[None, None, :]
    y = (block.y - start[1]).astype(np.float32)[None, :, None]
    z = (block.z - start[2]).astype(np.float32)[:, None, None]
    along = (x * direction[0] + y * direction[1] + z * direction[2]) / np.float32(length2)
    np.maximum(along, 0.0, out=along)
    np.minimum(along, 1.0, out=along)
    dx, dy, dz = x - along * direction[0], y - along * direction[1], z - along * direction[2]
    return np.sqrt(dx * dx + dy * dy + dz * dz), r0 + along * np.float32(r1 - r0)


def _overlapping(block: Block, tubes: Tubes, margin: float):
    """Yield (index, window) of the pieces that reach into the block."""
    reach = np.maximum(tubes.r0, tubes.r1)[:, None] + margin
    low = np.minimum(tubes.start, tubes.end) - reach
    high = np.maximum(tubes.start, tubes.end) + reach
    axes = (block.x, block.y, block.z)
    first = np.stack([np.searchsorted(a, low[:, n]) for n, a in enumerate(axes)], axis=1)
    last = np.stack([np.searchsorted(a, high[:, n], "right") for n, a in enumerate(axes)], axis=1)
    for n in np.flatnonzero((first < last).all(axis=1)):
        (i0, j0, k0), (i1, j1, k1) = first[n].tolist(), last[n].tolist()
        yield n, (slice(k0, k1), slice(j0, j1), slice(i0, i1))


def draw_tubes(block: Block, tubes: Tubes) -> np.ndarray:
    """Fraction of each voxel inside the tubes, (z, y, x) float32.

    A tube thinner than a voxel is drawn one voxel wide with its opacity lowered to keep the
    area of its cross-section, so small vessels fade instead of breaking up.
    """
    out = np.zeros(block.shape, np.float32)
    edge = block.edge_mm
    for n, window in _overlapping(block, tubes, edge):
        distance, radius = _axis_distance(
            block.part(window), tubes.start[n], tubes.end[n], tubes.r0[n], tubes.r1[n]
        )
        drawn = np.maximum(radius, np.float32(0.6 * edge))
        inside = np.minimum(0.5 + (drawn - distance) / edge, 1.0) * (radius / drawn) ** 2
        np.maximum(out[window], inside, out=out[window])  # out >= 0 drops negative values
    return out


def tube_distance(block: Block, tubes: Tubes, reach_mm: float) -> np.ndarray:
    """Signed distance (mm) to the tubes, exact up to `reach_mm` away and constant beyond."""
    out = np.full(block.shape, reach_mm, np.float32)
    for n, window in _overlapping(block, tubes, reach_mm):
        distance, radius = _axis_distance(
            block.part(window), tubes.start[n], tubes.end[n], tubes.r0[n], tubes.r1[n]
        )
        np.minimum(out[window], distance - radius, out=out[window])
    return out
