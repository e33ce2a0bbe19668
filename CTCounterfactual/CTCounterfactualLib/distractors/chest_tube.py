"""Put in a chest tube: through the side of the chest, then along the pleura towards the apex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ScanError
from ..planting.hemithorax import RIGHT, Hemithorax
from ..scans.hounsfield import AIR_HU
from .layers import Layer, nested, tube_layer
from .patient import Patient, Point

# Of 24 to 32 French: a third of a millimetre of outer diameter each.
RADIUS_MM, WALL_MM = (4.0, 5.3), (1.2, 1.8)
# PVC with barium in it.
WALL_HU, FLUID_HU, FLUID_CHANCE = (250.0, 700.0), 10.0, 0.3
# Shares of the lung's height: where it comes in, where it ends.
ENTRY, END = (0.3, 0.5), (0.7, 0.85)
# How far from the pleura it lies, mm; how many places its course is made of.
INSET_MM, PLACES = (6.0, 14.0), 5
# From straight to the side to this much to the back, degrees.
TURN_DEG = (30.0, 75.0)
# What is seen of it outside the skin, mm.
OUTSIDE_MM = 30.0


@dataclass(frozen=True)
class ChestTube:
    """A tube and its course.

    Parameters
    ----------
    side : str
        "right" or "left".
    course : tuple of points
        (K, J, I) mm, from outside the skin to its end in the chest.
    radius_mm, wall_mm : float
        Outer radius; thickness of its wall.
    wall_hu, lumen_hu : float
        Densities; the lumen holds air or fluid.
    """

    side: str
    course: tuple[Point, ...]
    radius_mm: float = 4.7
    wall_mm: float = 1.5
    wall_hu: float = 450.0
    lumen_hu: float = float(AIR_HU)


def draw_chest_tube(patient: Patient, rng: np.random.Generator) -> ChestTube:
    """Draw a tube; raise `ScanError` without lungs to put it beside."""
    side = patient.sides[int(rng.integers(len(patient.sides)))]
    course = _course(
        patient,
        side,
        float(rng.uniform(*ENTRY)),
        float(rng.uniform(*END)),
        float(rng.uniform(*TURN_DEG)),
    )
    fluid = rng.random() < FLUID_CHANCE
    return ChestTube(
        side.side,
        course,
        float(rng.uniform(*RADIUS_MM)),
        float(rng.uniform(*WALL_MM)),
        float(rng.uniform(*WALL_HU)),
        FLUID_HU if fluid else float(AIR_HU),
    )


def paint_chest_tube(patient: Patient, tube: ChestTube, rng: np.random.Generator) -> list[Layer]:
    """Return wall and lumen as layers."""
    course = list(tube.course)
    whole = tube_layer(patient, course, tube.radius_mm, tube.wall_hu)
    lumen = tube_layer(patient, course, tube.radius_mm - tube.wall_mm, tube.lumen_hu, whole.box)
    wall, hollow = nested([whole.cover, lumen.cover])
    return [Layer(whole.box, wall, tube.wall_hu), Layer(whole.box, hollow, tube.lumen_hu)]


def words(patient: Patient, tube: ChestTube) -> str:
    """Return where it lies."""
    return f"{tube.side} chest, from the side to the apex"


def _course(
    patient: Patient, side: Hemithorax, entry: float, end: float, turn_deg: float
) -> tuple[Point, ...]:
    lung, wall = side.space.lung, side.space.wall
    slices = np.flatnonzero(lung.any(axis=(1, 2)))
    outwards = 1.0 if side.side == RIGHT else -1.0  # I grows to the right side
    corner = np.array([part.start for part in side.space.box])
    inside = []
    for n, share in enumerate(np.linspace(entry, end, PLACES)):
        k = int(slices[0] + share * (slices[-1] - slices[0]))
        angle = np.deg2rad(turn_deg * n / (PLACES - 1))
        near = lung[k] & (wall[k] >= INSET_MM[0]) & (wall[k] <= INSET_MM[1])
        if not near.any():
            continue
        j, i = np.nonzero(near)
        far = outwards * np.cos(angle) * i * patient.steps[2]
        far = far - np.sin(angle) * j * patient.steps[1]
        best = int(far.argmax())
        inside.append((np.array([k, j[best], i[best]]) + corner) * patient.steps)
    if len(inside) < 2:
        raise ScanError(f"No room in {patient.name} for a chest tube: the lung is too thin.")
    # From the first place straight to the side, through the wall.
    first = inside[0]
    row = tuple(np.rint(first / patient.steps).astype(int)[:2])
    columns = np.flatnonzero(patient.body[row])
    skin = (columns[-1] if outwards > 0 else columns[0]) * patient.steps[2]
    outside = np.array([first[0], first[1], skin + outwards * OUTSIDE_MM])
    points = [outside, *inside]
    return tuple((float(a), float(b), float(c)) for a, b, c in points)
