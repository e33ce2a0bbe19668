"""Paint the aerated lungs: density, fissures, vessels, airways; and pleural fluid."""

from __future__ import annotations

import numpy as np

from .canvas import AIR_HU, Canvas
from .effusion import Effusion, fluid_distance
from .fields import hemithorax_distance
from .lung_trees import LungTrees
from .shapes import ramp
from .soft_tissue import FAT_HU
from .tubes import draw_tubes

FISSURE_MM, FISSURE_HU = 0.8, -550.0
FLUID_HU = 10.0
ATELECTASIS_MM = 14.0  # lung this close to free fluid is compressed
AIRWAY_WALL_HU = -40.0


def hemithorax(canvas: Canvas) -> np.ndarray:
    """Signed distance to the pleural spaces of the block."""
    return hemithorax_distance(
        canvas.field("cage"), canvas.field("abdomen"), canvas.field("mediastinum")
    )


def paint_lungs(canvas: Canvas, space: np.ndarray, effusion: Effusion | None) -> None:
    """Paint lung parenchyma and pleural fluid into the pleural `space`."""
    patient, x = canvas.patient, canvas.field("x")
    lung = canvas.cover(space)
    y, marbling = canvas.field("y"), canvas.field("marbling")
    hu = patient.lung_hu + patient.lung_gradient * y + 9.0 * canvas.field("bundle") + 7.0 * marbling
    hu = hu + 20.0 * canvas.field("grain")
    aerated = lung
    if effusion is not None:
        depth = fluid_distance(effusion, patient, x, y, canvas.field("z"), canvas.field("cage"))
        # Lung beside the fluid loses air over a few millimetres.
        collapse = ramp(-depth, -ATELECTASIS_MM, 0.0) ** 2
        hu = hu + collapse * (-250.0 - hu)
        fluid = lung * canvas.cover(depth)
        aerated = lung - fluid
        canvas.mark("effusion", fluid)
    canvas.paint(lung, hu)
    fissures = canvas.sheet(_oblique_fissure(canvas), FISSURE_MM)
    canvas.paint(fissures * ramp(-space, 0.0, 3.0), FISSURE_HU)
    if effusion is not None:
        canvas.paint(fluid, FLUID_HU)
    canvas.mark("lungs", aerated)
    canvas.mark("left_lung", aerated * (x >= 0.0))
    canvas.mark("right_lung", aerated * (x < 0.0))


def _oblique_fissure(canvas: Canvas) -> np.ndarray:
    """Signed distance (mm) to the oblique fissures, which fall from the back to the front."""
    y, z = canvas.field("y"), canvas.field("z")
    plane = 0.78 * (z - 132.0) - 0.62 * (y + 2.0)
    return plane + 2.5 * canvas.field("septa") - 0.0016 * (y + 2.0) ** 2


def paint_trees(canvas: Canvas, space: np.ndarray, trees: LungTrees) -> None:
    """Paint pulmonary vessels and the airways with their walls."""
    patient = canvas.patient
    inner = ramp(-space, -14.0, -9.0)  # lungs and hila, not the far side of the heart
    vessels = draw_tubes(canvas.block, trees.vessels) * inner
    fluid = canvas.masks.get("effusion")
    if fluid is not None:
        vessels = vessels * (1.0 - fluid)
    canvas.paint(vessels, patient.blood_hu)
    canvas.mark("vessels", vessels * canvas.masks["lungs"])
    wall = draw_tubes(canvas.block, trees.bronchi.grown(0.3, 1.14)) * inner
    lumen = draw_tubes(canvas.block, trees.bronchi) * inner
    if fluid is not None:
        wall, lumen = wall * (1.0 - fluid), lumen * (1.0 - fluid)
    canvas.paint(wall, AIRWAY_WALL_HU)
    canvas.paint(lumen, AIR_HU + 20.0)


def paint_trachea(canvas: Canvas, trees: LungTrees) -> None:
    """Paint trachea and main bronchi: a thin wall, then the lumen."""
    canvas.paint(draw_tubes(canvas.block, trees.trachea.grown(3.0)), FAT_HU + 30.0)
    canvas.paint(draw_tubes(canvas.block, trees.trachea.grown(1.8)), 45.0)
    lumen = draw_tubes(canvas.block, trees.trachea)
    canvas.paint(lumen, AIR_HU)
    canvas.mark("trachea", lumen)
    for name in ("lungs", "left_lung", "right_lung"):
        canvas.masks[name] *= 1.0 - lumen
