"""Paint the thoracic spine: bodies, discs, canal, arches and processes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Canvas
from .shapes import ramp, segment_2d, smooth_max, smooth_min
from .thorax import spine_y

# Heights (mm) of the centres of T1..T12; the bodies grow downwards.
VERTEBRA_LEVELS = 263.0 - np.concatenate([[0.0], np.cumsum(np.linspace(20.5, 26.5, 11))])
# L1, L2 and C7, C6 continue the column past the ends of the chest.
COLUMN = np.concatenate([[302.0, 283.0], VERTEBRA_LEVELS, VERTEBRA_LEVELS[-1] - [28.0, 57.0]])
DISC_HU, CORD_HU = 82.0, 30.0


def paint_spine(canvas: Canvas, paint_bone: Callable) -> None:
    """Paint the vertebral column where the block meets it."""
    window = canvas.block.window((-75.0, -10.0, -1e3), (75.0, 160.0, 1e3))
    if window is None:
        return
    x, y, z = (canvas.field(n)[window] for n in ("x", "y", "z"))
    patient = canvas.patient
    forward = y - spine_y(patient, z)  # mm behind the centre of the bodies
    nearest = np.argmin(np.abs(z[..., None].astype(np.float16) - COLUMN.astype(np.float16)), -1)
    local = z - COLUMN[nearest].astype(np.float32)  # mm above the middle of the vertebra
    pitch = np.interp(z, COLUMN[::-1], _pitches()[::-1]).astype(np.float32)
    size = pitch / 24.0
    half_body = 0.5 * pitch - 2.6
    waist = 1.0 - 0.11 * (1.0 - np.clip(np.abs(local) / half_body, 0.0, 1.0) ** 2)
    column = (np.sqrt((x / 17.5) ** 2 + (forward / 13.5) ** 2) / (waist * size) - 1.0) * 14.0
    disc = canvas.cover(column + 0.6)
    canvas.paint(disc, DISC_HU, window)
    body = smooth_max(column, np.abs(local) - half_body, 2.5)
    arch = _arch_distance(x, forward, local, size)
    bone = smooth_min(body, arch, 3.0)
    canal_gap = np.hypot(x / 1.15, forward - 13.5 * size - 7.0) - 7.8
    bone = smooth_max(bone, -canal_gap, 1.0)
    texture = 38.0 * canvas.field("marbling")[window]
    paint_bone(canvas, bone, patient.marrow + texture, 1.2, window)
    canvas.paint(canvas.cover(canal_gap), 0.0, window)
    canvas.paint(canvas.cover(canal_gap + 3.2), CORD_HU, window)


def _pitches() -> np.ndarray:
    """Distance between neighbouring vertebrae at each level of the column, mm."""
    return np.abs(np.gradient(COLUMN))


def _arch_distance(x, forward, local, size) -> np.ndarray:
    """Pedicles, laminae, transverse and spinous processes (signed distance, mm)."""
    x = np.abs(x)
    back = 13.5 * size
    pedicle, _ = segment_2d(x, forward, 10.5, back - 4.0, 12.5, back + 11.0)
    pedicle = smooth_max(pedicle - 3.6, np.abs(local - 4.0) - 5.0, 3.0)
    lamina, _ = segment_2d(x, forward, 12.0, back + 12.0, 1.0, back + 19.5)
    lamina = smooth_max(lamina - 3.0, np.abs(local + 1.0) - 9.0, 3.0)
    transverse, _ = segment_2d(x, forward, 12.0, back + 11.0, 31.0, back + 21.0)
    transverse = smooth_max(transverse - 4.2, np.abs(local - 3.0) - 5.0, 3.0)
    # The spinous processes hang downwards: those of the mid chest reach the next vertebra.
    hang = forward - back - 18.0
    spinous = np.hypot(x, np.maximum(np.maximum(-hang, hang - 26.0), 0.0))
    spinous = spinous - 2.6 - 1.6 * ramp(hang, 16.0, 26.0)
    spinous = smooth_max(spinous, np.abs(local + 4.0 + 0.42 * hang) - 5.5, 3.0)
    return smooth_min(smooth_min(pedicle, lamina, 3.0), smooth_min(transverse, spinous, 3.0), 3.0)
