"""How things join a scan: layers of known cover and density, and nothing else changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..planting.tubes import Point, Tube, draw_tubes
from .patient import Patient


@dataclass(frozen=True)
class Layer:
    """A thing, or a part of one, in a box of the scan.

    Parameters
    ----------
    box : tuple of slice
        Where in the scan.
    cover : numpy.ndarray
        (K, J, I) of the box, 0..1: how much of each voxel it fills.
    hu : numpy.ndarray or float
        Its density, HU.
    """

    box: tuple[slice, ...]
    cover: np.ndarray
    hu: np.ndarray | float


def joined(hu: np.ndarray, layers: list[Layer]) -> tuple[np.ndarray, np.ndarray]:
    """Return a scan with layers in it, and their cover together, 0..1.

    Layers are side by side: in a voxel that several share each has its part, and the scan the rest;
    where they ask for more than there is, each gives way by its share.

    Parameters
    ----------
    hu : numpy.ndarray
        (K, J, I), float32, HU; not changed.
    """
    cover, filling = np.zeros(hu.shape, np.float32), np.zeros(hu.shape, np.float32)
    for layer in layers:
        cover[layer.box] += layer.cover
        filling[layer.box] += layer.cover * layer.hu
    crowded = np.maximum(cover, 1.0)
    cover = np.minimum(cover, 1.0)
    made = np.where(cover > 0, hu * (1.0 - cover) + filling / crowded, hu)
    return made.astype(np.float32, copy=False), cover


def nested(covers: list[np.ndarray]) -> list[np.ndarray]:
    """Return what is left of each cover when those after it, each within it, are taken out."""
    inner = [*covers[1:], np.zeros_like(covers[-1])]
    return [np.maximum(one - other, 0.0) for one, other in zip(covers, inner, strict=True)]


def tube_layer(
    patient: Patient,
    points: list[Point],
    radius_mm: float,
    hu: np.ndarray | float,
    box: tuple[slice, ...] | None = None,
) -> Layer:
    """Return a round rod along points, (K, J, I) mm of the scan; in a given box or its own."""
    at = np.array(points)
    margin = radius_mm + 2 * float(patient.steps.max())
    box = box or patient.box(at.min(axis=0) - margin, at.max(axis=0) + margin)
    corner = np.array([part.start for part in box]) * patient.steps
    places = [_point(p) for p in at - corner]
    tubes = [Tube(a, b, radius_mm, radius_mm) for a, b in pairwise(places)]
    shape = tuple(part.stop - part.start for part in box)
    return Layer(box, draw_tubes(shape, patient.spacing, tubes), hu)


def between(values: np.ndarray, low: float, high: float, width: np.ndarray | float) -> np.ndarray:
    """Return which share of [value - width / 2, value + width / 2] lies in [low, high], 0..1."""
    overlap = np.minimum(values + width / 2, high) - np.maximum(values - width / 2, low)
    return np.clip(overlap / width, 0.0, 1.0).astype(np.float32)


def _point(values: np.ndarray) -> Point:
    k, j, i = (float(v) for v in values)
    return k, j, i
