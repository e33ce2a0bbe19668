"""Paint the patient table: a curved shell with foam, below the back."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .thorax import spine_y

SHELL_HU, FOAM_HU = -150.0, -955.0
THICK_MM, CURVE = 22.0, 1.0 / 1150.0


def paint_table(canvas: Canvas) -> None:
    """Paint the table into the air of the block."""
    patient = canvas.patient
    back = (float(spine_y(patient, 100.0)) + 65.0 + 0.45 * patient.fat) * patient.scale[1]
    x = canvas.block.x.astype(np.float32)[None, None, :]
    y = canvas.block.y.astype(np.float32)[None, :, None]
    # Distance below the mattress surface, which curves up at the sides.
    depth = y - (back + patient.table_gap) + CURVE * x * x
    depth = depth / np.sqrt(1.0 + (2 * CURVE * x) ** 2)
    within = np.maximum(-depth, depth - THICK_MM)
    canvas.paint(canvas.cover(within), FOAM_HU)
    canvas.paint(canvas.sheet(depth - 1.0, 1.2), SHELL_HU)
    canvas.paint(canvas.sheet(depth - THICK_MM + 1.0, 1.6), SHELL_HU)
