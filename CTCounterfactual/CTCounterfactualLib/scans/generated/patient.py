"""Draw one patient: the measures that differ between seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .chest_settings import FIELD_OF_VIEW_MM, ChestSettings
from .shapes import SmoothField

# Independent random streams, so that changing one part leaves the others as they were.
STREAM_PATIENT, STREAM_WARP, STREAM_TISSUE, STREAM_VESSELS, STREAM_NOISE = range(5)

# Air kept beside the body (the warp moves the skin by up to about 8 mm).
FLANK_CLEARANCE_MM = 10.0
TRUNK_WALL_MM = 24.0  # ribs and the bulge of the shoulder blades, see `thorax.body_distance`
MIN_FAT_MM = 4.0


def stream(seed: int, *tags: int) -> np.random.Generator:
    """A generator of its own for one part (`tags`) of one seed."""
    return np.random.default_rng([seed, *tags])


@dataclass(frozen=True)
class Patient:
    """Measures of one patient, mm and HU; positions are in the reference chest (see `to_patient`).

    The reference chest is LPS, z = 0 at the posterior costophrenic recess, apices at z = 262.
    """

    scale: np.ndarray  # (3,) size of this patient over the reference chest
    warp: tuple[SmoothField, SmoothField, SmoothField]
    warp_mm: float
    cage_half_width: float
    cage_front: float
    cage_exponent: float
    kyphosis: float
    fat: float
    muscle: float
    breast: float
    dome_right: float
    dome_left: float
    heart_scale: float
    heart_turn: float
    heart_centre: np.ndarray  # (3,)
    aorta_radius: float
    trachea_radius: float
    calcified: float
    marrow: float
    lung_hu: float
    lung_gradient: float
    stomach_gas: float
    contrast: bool
    blood_hu: float
    table: bool
    table_gap: float
    noise_hu: float
    sharpness: float

    def to_patient(self, points: np.ndarray) -> np.ndarray:
        """Reference mm (N, 3) -> patient mm (N, 3).

        A patient's point p lies at (p + warp(p)) / scale in the reference; this inverts it by
        fixed-point iteration: the warp's gradient is below 0.3, so 12 rounds leave < 0.01 mm.
        """
        target = np.asarray(points, float) * self.scale
        guess = target
        for _ in range(12):
            guess = target - self.warp_mm * np.stack([w.at(guess) for w in self.warp], axis=1)
        return guess


def draw_patient(seed: int, settings: ChestSettings | None = None) -> Patient:
    """Draw the patient that belongs to a seed; what `settings` fixes replaces the draw."""
    rng = stream(seed, STREAM_PATIENT)
    warp_rng = stream(seed, STREAM_WARP)
    build = rng.normal()  # stocky to slender, shared by width and depth
    scale = np.array([1.0 + 0.025 * build, 1.0 + 0.03 * build, 1.0])
    scale += rng.uniform(-0.025, 0.025, 3) * [1, 1.2, 1.6]
    scale = np.clip(scale, [0.92, 0.9, 0.94], [1.05, 1.08, 1.04])
    female = rng.random() < 0.5
    dome = rng.uniform(70, 100)
    contrast = bool(rng.random() < 0.4)
    if settings is not None and settings.contrast is not None:
        contrast = settings.contrast
    plain, enhanced = rng.uniform(34, 48), rng.uniform(150, 340)
    warp_x, warp_y, warp_z = (SmoothField.draw(warp_rng, 190.0, 8) for _ in range(3))
    drawn = Patient(
        scale=scale,
        warp=(warp_x, warp_y, warp_z),
        warp_mm=float(rng.uniform(2.0, 4.0)),
        cage_half_width=float(rng.uniform(122, 134)),
        cage_front=float(rng.uniform(-109, -94)),
        cage_exponent=float(rng.uniform(2.1, 2.5)),
        kyphosis=float(rng.uniform(18, 36)),
        fat=float(np.clip(rng.gamma(4.0, 3.6), 5, 27)),
        muscle=float(rng.uniform(6, 13)),
        breast=float(rng.uniform(14, 38)) if female else 0.0,
        dome_right=float(dome),
        dome_left=float(dome - rng.uniform(5, 20)),
        heart_scale=float(rng.uniform(0.9, 1.14)),
        heart_turn=float(rng.normal(0, 0.12)),
        heart_centre=np.array([21.0, -44.0, 0.0]) + rng.normal(0, 3, 3),
        aorta_radius=float(rng.uniform(11.5, 16.0)),
        trachea_radius=float(rng.uniform(7.5, 10.0)),
        calcified=float(np.clip(rng.normal(0.3, 0.4), 0, 1)),
        marrow=float(rng.uniform(110, 240)),
        lung_hu=float(rng.uniform(-890, -830)),
        lung_gradient=float(rng.uniform(0.15, 0.5)),
        stomach_gas=float(rng.uniform(0.1, 1.2)),
        contrast=contrast,
        blood_hu=float(enhanced if contrast else plain),
        table=bool(rng.random() < 0.8),
        table_gap=float(rng.uniform(2, 8)),
        noise_hu=float(rng.uniform(11, 24)),
        sharpness=float(rng.uniform(0.0, 1.0)),
    )
    drawn = replace(drawn, fat=min(drawn.fat, _room_for_fat(drawn)))
    if settings is None:
        return drawn
    return replace(
        drawn,
        table=drawn.table if settings.table is None else settings.table,
        noise_hu=drawn.noise_hu if settings.noise_hu is None else settings.noise_hu,
    )


def _room_for_fat(patient: Patient) -> float:
    """Subcutaneous fat (mm) at which the flanks still lie inside the field of view."""
    half_width = (0.5 * FIELD_OF_VIEW_MM[0] - FLANK_CLEARANCE_MM) / patient.scale[0]
    return max(half_width - patient.cage_half_width - patient.muscle - TRUNK_WALL_MM, MIN_FAT_MM)
