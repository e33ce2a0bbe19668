"""Thin tubes: bronchi in consolidated lung, strands around a nodule; thinner than a voxel, too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .fields import Spacing

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Tube:
    """A straight piece from `start` to `end` ((K, J, I), mm within the box), tapering, mm."""

    start: Point
    end: Point
    start_radius: float
    end_radius: float


def draw_tubes(shape: tuple[int, ...], spacing: Spacing, tubes: Iterable[Tube]) -> np.ndarray:
    """Return how much of each voxel is tube, (K, J, I) float32, 0..1.

    A tube thinner than a voxel covers it by the share of its cross-section.
    """
    cover = np.zeros(shape, np.float32)
    for tube in tubes:
        _draw(cover, np.array(spacing[::-1]), tube)
    return cover


def _draw(cover: np.ndarray, steps: np.ndarray, tube: Tube) -> None:
    start, end = np.array(tube.start), np.array(tube.end)
    voxel = float(np.cbrt(steps.prod()))
    margin = max(tube.start_radius, tube.end_radius) + 2 * steps.max()
    low = np.floor((np.minimum(start, end) - margin) / steps).astype(int).clip(0)
    high = np.ceil((np.maximum(start, end) + margin) / steps).astype(int) + 1
    high = np.minimum(high, cover.shape)
    if (high <= low).any():
        return
    k, j, i = (np.arange(a, b) * s - o for a, b, s, o in zip(low, high, steps, start, strict=True))
    offset = np.stack(np.meshgrid(k, j, i, indexing="ij"), axis=-1)  # (K, J, I, 3)
    way = end - start
    length = max(float(way @ way), 1e-6)
    share = (offset @ way / length).clip(0.0, 1.0)
    distance = np.linalg.norm(offset - share[..., None] * way, axis=-1)
    radius = tube.start_radius + share * (tube.end_radius - tube.start_radius)
    shown = np.maximum(radius, voxel / 2)
    covered = np.clip((shown - distance) / voxel + 0.5, 0.0, 1.0)
    covered *= radius**2 / (shown**2 + voxel**2 / 12)  # a soft edge encloses that much
    part = cover[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    np.maximum(part, covered, out=part)
