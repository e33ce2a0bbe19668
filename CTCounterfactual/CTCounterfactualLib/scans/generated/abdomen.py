"""Paint what lies under the diaphragm: liver, spleen, stomach with gas, fat."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .shapes import ellipsoid, smooth_max
from .soft_tissue import FAT_HU
from .thorax import spine_y

DIAPHRAGM_MM = 3.0
LIVER_HU, SPLEEN_HU, STOMACH_WALL_HU, STOMACH_FLUID_HU = 58.0, 48.0, 42.0, 18.0
GAS_HU = -960.0
ENHANCED_HU = 55.0  # what contrast adds to the solid organs


def paint_abdomen(canvas: Canvas) -> None:
    """Paint the abdominal organs of the block."""
    abdomen = canvas.field("abdomen")
    if abdomen.min() > DIAPHRAGM_MM:
        return
    patient, marbling = canvas.patient, canvas.field("marbling")
    x, y, z, cage = (canvas.field(n) for n in ("x", "y", "z", "cage"))
    enhanced = ENHANCED_HU if patient.contrast else 0.0
    below = smooth_max(abdomen, cage, 2.0)
    canvas.paint(canvas.cover(below), 45.0)  # the diaphragm itself
    cavity = below + DIAPHRAGM_MM
    canvas.paint(canvas.cover(cavity), FAT_HU + 6.0 * marbling)
    spine = np.hypot(x, y - spine_y(patient, z)) - 24.0
    # The liver fills the right side and tapers across the midline in front.
    edge = x - 38.0 + 0.85 * np.maximum(y + 30.0, 0.0) - 7.0 * canvas.field("bundle")
    liver = smooth_max(smooth_max(cavity, edge, 14.0), -spine + 6.0, 8.0)
    canvas.paint(canvas.cover(liver), LIVER_HU + enhanced + 3.0 * marbling)
    top = patient.dome_left
    spleen = ellipsoid(x, y, z, (94.0, 42.0, top - 56.0), (48.0, 58.0, 56.0))
    spleen = smooth_max(spleen, cavity, 6.0)
    canvas.paint(canvas.cover(spleen), SPLEEN_HU + 1.3 * enhanced + 2.0 * marbling)
    _paint_stomach(canvas, cavity, top)
    for side in (-1.0, 1.0):
        crus = np.hypot(x - side * 13.0, (y - spine_y(patient, z) + 22.0) / 1.8) - 5.0
        canvas.paint(canvas.cover(smooth_max(crus, cavity, 2.0)), 48.0)


def _paint_stomach(canvas: Canvas, cavity: np.ndarray, top: float) -> None:
    """Stomach under the left dome: wall, fluid, and gas rising to the front of a supine patient."""
    x, y, z = (canvas.field(n) for n in ("x", "y", "z"))
    bag = ellipsoid(x, y, z, (56.0, -26.0, top - 44.0), (58.0, 58.0, 48.0))
    bag = smooth_max(bag + 2.0 * canvas.field("bundle"), cavity + 1.0, 8.0)
    canvas.paint(canvas.cover(bag), STOMACH_WALL_HU)
    lumen = bag + 4.0
    canvas.paint(canvas.cover(lumen), STOMACH_FLUID_HU + 8.0 * canvas.field("marbling"))
    # The fluid level is horizontal: a plane of constant y in patient mm.
    level = (canvas.block.y - (-26.0 - 45.0 * canvas.patient.stomach_gas) * 0.9)[None, :, None]
    canvas.paint(canvas.cover(np.maximum(lumen, level.astype(np.float32))), GAS_HU)
