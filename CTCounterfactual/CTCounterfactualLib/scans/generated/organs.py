"""Paint heart, great vessels and oesophagus."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .mediastinum import PERICARDIUM_MM
from .soft_tissue import FAT_HU

MYOCARDIUM_HU, MYOCARDIUM_ENHANCED_HU = 48.0, 105.0
OESOPHAGUS_HU = 38.0
PERICARDIUM_HU = 25.0


def paint_heart_and_vessels(canvas: Canvas) -> None:
    """Paint the organs of the mediastinum except the airways."""
    patient, vessels = canvas.patient, canvas.fields.vessels
    heart, marbling = canvas.field("heart"), canvas.field("marbling")
    canvas.paint_tubes(vessels["oesophagus"], OESOPHAGUS_HU + 6.0 * marbling)
    # Epicardial fat of varying thickness lies between pericardium and muscle.
    fat = 3.0 * np.maximum(canvas.field("bundle"), 0.0)
    outer = heart - PERICARDIUM_MM + 1.0
    canvas.paint(
        canvas.sheet(outer, 1.0) * canvas.cover(canvas.field("cage") + 3.0), PERICARDIUM_HU
    )
    muscle = canvas.cover(canvas.field("myocardium") + fat)
    canvas.mark("heart", canvas.cover(heart))
    canvas.paint(canvas.cover(heart), FAT_HU + 10.0)
    canvas.paint(muscle, MYOCARDIUM_ENHANCED_HU if patient.contrast else MYOCARDIUM_HU)
    canvas.paint(muscle * canvas.cover(canvas.field("chambers")), patient.blood_hu + 3.0 * marbling)
    # Arteries carry a little less contrast than the veins that bring it.
    for name, share in (("veins", 0.9), ("pulmonary", 1.05), ("aorta", 1.0)):
        canvas.paint_tubes(vessels[name], share * patient.blood_hu + 2.0 * marbling)
