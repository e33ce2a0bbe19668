"""Assemble the generated chest, piece by piece."""

from __future__ import annotations

import math

import numpy as np

from .abdomen import paint_abdomen
from .canvas import Canvas
from .chest_settings import ChestSettings, GeneratedChest
from .effusion import Effusion, solve_effusion
from .fields import Fields, compute_fields
from .lattice import Block
from .lung_trees import LungTrees, grow_lung_trees
from .lungs import hemithorax, paint_lungs, paint_trachea, paint_trees
from .noise import noise_strength, slice_noise
from .organs import paint_heart_and_vessels
from .patient import Patient, draw_patient
from .skeleton import paint_skeleton
from .soft_tissue import paint_soft_tissue
from .table import paint_table

MASKS = (
    "body",
    "lungs",
    "left_lung",
    "right_lung",
    "heart",
    "trachea",
    "bone",
    "vessels",
    "effusion",
)
# Thick slices are averaged from planes no further apart than this.
PLANE_STEP_MM = 1.6
# The blur of a CT reconstruction: edges are at least this wide, however small the voxels.
SYSTEM_BLUR_MM = 1.1
# Voxels painted at once: keeps temporaries near 100 MB.
PIECE_VOXELS = 1_200_000
HU_RANGE = (-1024, 3071)
DEFAULT_SETTINGS = ChestSettings()


def generate_chest(settings: ChestSettings = DEFAULT_SETTINGS) -> GeneratedChest:
    """Make a synthetic chest CT with its truth masks; see `ChestSettings` for what varies.

    Returns hu (K, J, I) int16 and boolean masks on the same grid. All anatomy is defined in mm:
    the same seed at another spacing shows the same patient.
    """
    patient = draw_patient(settings.seed, settings)
    fields = compute_fields(patient, settings.seed)
    trees = grow_lung_trees(patient, fields, settings.seed)
    effusion = solve_effusion(settings, fields)
    i, j, k = settings.voxels()
    hu = np.empty((k, j, i), np.int16)
    masks = {name: np.zeros((k, j, i), bool) for name in MASKS}
    planes = max(1, math.ceil(settings.spacing[2] / PLANE_STEP_MM))
    step = max(1, PIECE_VOXELS // (i * j * planes))
    for first in range(0, k, step):
        rows = slice(first, min(k, first + step))
        painted = _paint_piece(settings, rows, planes, patient, fields, trees, effusion)
        hu[rows], covers = painted
        for name, cover in covers.items():
            masks[name][rows] = cover >= 0.5
    return GeneratedChest(hu, settings.spacing, settings.origin(), masks)


def _block(settings: ChestSettings, rows: slice, planes: int) -> Block:
    """Sample points of some slices, `planes` of them through the thickness of each."""
    origin, spacing, size = settings.origin(), settings.spacing, settings.voxels()
    x, y = (origin[n] + spacing[n] * np.arange(size[n]) for n in (0, 1))
    centres = origin[2] + spacing[2] * np.arange(rows.start, rows.stop)
    within = spacing[2] * ((np.arange(planes) + 0.5) / planes - 0.5)
    edge = max(SYSTEM_BLUR_MM, 0.5 * (spacing[0] + spacing[1]))
    return Block(x, y, (centres[:, None] + within).ravel(), edge)


def _paint_piece(
    settings: ChestSettings,
    rows: slice,
    planes: int,
    patient: Patient,
    fields: Fields,
    trees: LungTrees,
    effusion: Effusion | None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """HU (slices, J, I) int16 and mask coverages of some slices."""
    canvas = Canvas(_block(settings, rows, planes), patient, fields)
    if patient.table:
        paint_table(canvas)
    paint_soft_tissue(canvas)
    paint_abdomen(canvas)
    space = hemithorax(canvas)
    paint_heart_and_vessels(canvas)
    paint_lungs(canvas, space, effusion)
    paint_skeleton(canvas)
    paint_trees(canvas, space, trees)
    paint_trachea(canvas, trees)

    def average(values: np.ndarray) -> np.ndarray:
        # (slices * planes, J, I) -> (slices, J, I)
        return values.reshape(-1, planes, *values.shape[1:]).mean(axis=1)

    hu = average(canvas.hu)
    heights = average(canvas.block.z[:, None, None])[:, 0, 0]
    body = average(canvas.field("body"))
    for n, height in enumerate(heights):
        noise = slice_noise(
            patient,
            settings.seed,
            rows.start + n,
            (hu.shape[1], hu.shape[2]),
            settings.spacing[:2],
        )
        hu[n] += patient.noise_hu * noise_strength(body[n], height) * noise
    hu = np.clip(np.rint(hu), *HU_RANGE).astype(np.int16)
    return hu, {name: average(cover) for name, cover in canvas.masks.items()}
