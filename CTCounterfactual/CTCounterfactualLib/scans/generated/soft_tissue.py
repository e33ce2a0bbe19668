"""Paint skin, subcutaneous fat, muscle, breasts and the fat of the mediastinum."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .shapes import bump, ramp
from .thorax import SHELL_MM

FAT_HU, MUSCLE_HU, SKIN_HU, GLAND_HU = -104.0, 52.0, 25.0, 30.0
SKIN_MM = 1.6
LAYER_MM = 15.0  # thickness of a muscle layer of the chest wall


def paint_soft_tissue(canvas: Canvas) -> None:
    """Paint everything of the body but organs and bones."""
    body, cage = canvas.field("body"), canvas.field("cage")
    inside = canvas.cover(body)
    canvas.mark("body", inside)
    canvas.paint(inside, FAT_HU + 6.0 * canvas.field("marbling"))
    _paint_gland(canvas, body, cage)
    _paint_muscle(canvas, body, cage)
    canvas.paint(canvas.sheet(body + 0.5 * SKIN_MM, SKIN_MM), SKIN_HU)
    within = canvas.cover(cage)
    canvas.paint(within, FAT_HU + 5.0 + 7.0 * canvas.field("marbling"))


def _paint_muscle(canvas: Canvas, body: np.ndarray, cage: np.ndarray) -> None:
    """Muscle between the ribs and the subcutaneous fat, split into bundles by fat."""
    patient = canvas.patient
    angle, z, x = canvas.field("angle"), canvas.field("z"), canvas.field("x")
    bundle, septa = canvas.field("bundle"), canvas.field("septa")
    # Fat is thin over the sternum and the spine, thick at the flanks.
    fat = patient.fat * (0.75 + 0.55 * bump(angle, 0.5, 0.22) + 0.16 * bundle)
    fat = np.maximum(fat, 3.0)
    if patient.breast > 0.0:
        breast = ramp(angle, 0.6, 0.75) * bump(z, 128.0, 48.0)
        fat = fat + breast * (patient.breast + 6.0) * bump(np.abs(x), 76.0, 36.0)
    envelope = body + fat
    # Muscles lie in layers over the ribs with planes of fat between, thick here, thin there.
    layer = cage - SHELL_MM - 5.0 * bundle - 2.0 * septa
    plane = np.abs((layer / LAYER_MM) - np.rint(layer / LAYER_MM)) * LAYER_MM
    thick = 1.9 * np.maximum(septa + 0.4 * bundle, 0.0) - 0.3
    # And they end sideways at a few larger gaps.
    gap = np.abs(bundle + 0.3 * septa - 0.9) * 14.0
    sideways = 0.8 * ramp(2.0 - gap, -1.0, 1.0) * ramp(septa, -0.2, 0.5)
    fat_plane = np.maximum(ramp(thick - plane, -1.0, 0.8), sideways)
    muscle = canvas.cover(envelope) * (1.0 - 0.85 * fat_plane)
    muscle = muscle * ramp(cage, SHELL_MM - 2.0, SHELL_MM + 1.5)
    hu = MUSCLE_HU + 5.0 * canvas.field("marbling")
    canvas.paint(muscle, hu)
    # Intercostal layer and the fat line outside the pleura.
    wall = canvas.cover(cage - 11.0) * (0.55 + 0.45 * ramp(bundle, -0.6, 0.6))
    canvas.paint(wall * inside_body(body), hu - 8.0)


def inside_body(body: np.ndarray) -> np.ndarray:
    """1 where the skin is at least 4 mm away."""
    return ramp(-body, 2.0, 4.0)


def _paint_gland(canvas: Canvas, body: np.ndarray, cage: np.ndarray) -> None:
    """Fibroglandular tissue strands in the breasts."""
    patient = canvas.patient
    if patient.breast == 0.0:
        return
    x, z, angle = canvas.field("x"), canvas.field("z"), canvas.field("angle")
    place = bump(np.abs(x), 80.0, 26.0) * bump(z, 126.0, 30.0) * ramp(angle, 0.6, 0.75)
    place = place * ramp(-body, 3.0, 10.0) * ramp(cage, 20.0, 27.0)
    strands = ramp(canvas.field("marbling") + 0.6 * canvas.field("septa"), -0.2, 0.9)
    canvas.paint(0.9 * place * strands, GLAND_HU)
