"""What a field of view shows of the lungs: where it cuts them, and how much there is a side."""

from __future__ import annotations

import numpy as np


def cut_areas(
    lungs: np.ndarray, body: np.ndarray, spacing: tuple[float, float, float]
) -> dict[str, float]:
    """Measure where the field of view cuts the lungs.

    Parameters
    ----------
    lungs, body : numpy.ndarray
        (K, J, I), bool; K grows to Superior, J to Anterior, I to Right. Inside the patient lungs
        never reach the border of the body, so where they do a round view with padding cuts them.
    spacing : tuple of float
        (I, J, K) mm.

    Returns
    -------
    dict
        Side of the patient (left, right, back, front, bottom, top) -> cm2 of lung on that edge of
        the view; 0 where it isn't cut.
    """
    i, j, k = spacing
    faces = {
        "left": (lungs[:, :, 0], j * k),
        "right": (lungs[:, :, -1], j * k),
        "back": (lungs[:, 0], i * k),
        "front": (lungs[:, -1], i * k),
        "bottom": (lungs[0], i * j),
        "top": (lungs[-1], i * j),
    }
    areas = {
        side: float(np.count_nonzero(face)) * mm2 * 1e-2 for side, (face, mm2) in faces.items()
    }
    for side, voxels in _round_cuts(lungs, body).items():
        areas[side] += voxels * faces[side][1] * 1e-2
    return areas


def _round_cuts(lungs: np.ndarray, body: np.ndarray) -> dict[str, int]:
    """Count the lung voxels whose neighbour on that side isn't body."""
    return {
        "left": int(np.count_nonzero(lungs[:, :, 1:] & ~body[:, :, :-1])),
        "right": int(np.count_nonzero(lungs[:, :, :-1] & ~body[:, :, 1:])),
        "back": int(np.count_nonzero(lungs[:, 1:] & ~body[:, :-1])),
        "front": int(np.count_nonzero(lungs[:, :-1] & ~body[:, 1:])),
    }


def side_litres(
    lungs: np.ndarray, body: np.ndarray, spacing: tuple[float, float, float]
) -> tuple[float, float]:
    """Return litres of lung to the patient's (left, right) of the body's middle."""
    weight = body.sum(axis=(0, 1), dtype=float)
    middle = round(float((weight * np.arange(len(weight))).sum() / max(weight.sum(), 1)))
    litres = float(np.prod(spacing)) * 1e-6
    return float(lungs[..., :middle].sum() * litres), float(lungs[..., middle:].sum() * litres)
