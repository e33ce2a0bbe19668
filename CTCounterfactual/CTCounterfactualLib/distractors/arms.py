"""Lay the arms down beside the chest, as of patients who can't lift them; the picture may cut them.

The streaks and the noise that arms make in a real scan are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ScanError
from .layers import Layer, nested
from .patient import Patient, Point

# Semi-axes of an upper arm, mm; its fat below the skin; its bone.
RADIUS_MM, FLAT, FAT_MM, BONE_MM = (36.0, 52.0), (0.85, 1.15), (4.0, 12.0), (10.0, 13.0)
MARROW_SHARE = 0.5
# Fat, muscle, cortex and marrow, from outside, HU.
DENSITIES = (-100.0, 55.0, 1100.0, 150.0)
# Between chest and arm; forward or back of the chest's middle; how far it leans over its length.
GAP_MM, FORWARD_MM, LEAN_MM = (0.0, 10.0), (-30.0, 30.0), (-25.0, 25.0)
# Less of their cross-section in view than this counts for nothing.
LEAST_IN_VIEW = 0.2


@dataclass(frozen=True)
class Arm:
    """One upper arm along the whole scan.

    Parameters
    ----------
    lower, upper : tuple of float
        (K, J, I) mm of its axis in the first and the last slice.
    radii_mm : tuple of float
        Semi-axes along (J, I).
    fat_mm, bone_mm : float
        Thickness of the fat; radius of the bone.
    """

    lower: Point
    upper: Point
    radii_mm: tuple[float, float]
    fat_mm: float
    bone_mm: float


def draw_arms(patient: Patient, rng: np.random.Generator) -> tuple[Arm, Arm]:
    """Draw both arms; raise `ScanError` if the field of view shows hardly anything of them."""
    radius = float(rng.uniform(*RADIUS_MM))
    radii = (radius * float(rng.uniform(*FLAT)), radius)
    fat, bone = float(rng.uniform(*FAT_MM)), float(rng.uniform(*BONE_MM))
    left, right = _edges(patient)
    rows = np.flatnonzero(patient.body.any(axis=(0, 2))) * patient.steps[1]
    top = (patient.hu.shape[0] - 1) * patient.steps[0]
    arms = []
    for edge, outwards in ((right, 1.0), (left, -1.0)):
        i = float(edge + outwards * (rng.uniform(*GAP_MM) + radii[1]))
        j = float(rows.mean() + rng.uniform(*FORWARD_MM))
        lean = float(rng.uniform(*LEAN_MM)) / 2
        arms.append(Arm((0.0, j - lean, i), (float(top), j + lean, i), radii, fat, bone))
    width = (patient.hu.shape[2] - 1) * patient.steps[2]
    seen = [
        (min(arm.lower[2] + radii[1], width) - max(arm.lower[2] - radii[1], 0.0)) / (2 * radii[1])
        for arm in arms
    ]
    if max(seen) < LEAST_IN_VIEW:
        raise ScanError(
            f"No room in {patient.name} for arms: the field of view ends {width - right:.0f} and "
            f"{left:.0f} mm beside the chest."
        )
    return arms[0], arms[1]


def _edges(patient: Patient) -> tuple[float, float]:
    """Return where the chest ends to the left and right, I in mm: of its middle slice by width.

    Shoulders are wider; what an arm would take of them it leaves.
    """
    shown = np.asarray(patient.body.any(axis=1))  # (K, I)
    shown = shown[shown.any(axis=1)]
    first, last = shown.argmax(axis=1), shown.shape[1] - 1 - shown[:, ::-1].argmax(axis=1)
    step = patient.steps[2]
    return float(np.median(first)) * step, float(np.median(last)) * step


def paint_arms(patient: Patient, arms: tuple[Arm, Arm], rng: np.random.Generator) -> list[Layer]:
    """Return skin with fat, muscle and bone of both as layers; nothing within the body."""
    depth, height, width = patient.hu.shape
    layers = []
    for arm in arms:
        reach = max(arm.radii_mm) + 2 * float(patient.steps.max())
        places = np.array([arm.lower, arm.upper])
        box = patient.box(places.min(axis=0) - reach, places.max(axis=0) + reach)
        if any(part.stop <= part.start for part in box):
            continue
        free = ~patient.body[box]
        share = np.linspace(0.0, 1.0, depth)[box[0], None, None]
        middle = (1 - share) * np.array(arm.lower)[1:2] + share * np.array(arm.upper)[1:2]
        j = np.arange(height)[None, box[1], None] * patient.steps[1] - middle
        i = np.arange(width)[None, None, box[2]] * patient.steps[2] - arm.lower[2]
        grain = patient.noise.draw(rng, free.shape)

        def oval(shrunk: float, arm=arm, j=j, i=i, free=free) -> np.ndarray:
            a, b = arm.radii_mm[0] - shrunk, arm.radii_mm[1] - shrunk
            outwards = (np.sqrt((j / a) ** 2 + (i / b) ** 2) - 1) * min(a, b)
            return _soft(-outwards, patient) * free

        def rod(radius: float, j=j, i=i, free=free) -> np.ndarray:
            return _soft(radius - np.sqrt(j**2 + i**2), patient) * free

        parts = nested(
            [oval(0.0), oval(arm.fat_mm), rod(arm.bone_mm), rod(MARROW_SHARE * arm.bone_mm)]
        )
        layers += [
            Layer(box, part, density + grain)
            for part, density in zip(parts, DENSITIES, strict=True)
        ]
    return layers


def _soft(inside_mm: np.ndarray, patient: Patient) -> np.ndarray:
    """Return how much of each voxel lies inside a border, 0..1, by its distance to it."""
    return np.clip(inside_mm / float(patient.steps[1:].mean()) + 0.5, 0.0, 1.0).astype(np.float32)


def words(patient: Patient, arms: tuple[Arm, Arm]) -> str:
    """Return where they lie."""
    return f"both sides, {2 * arms[0].radii_mm[1]:.0f} mm thick"
