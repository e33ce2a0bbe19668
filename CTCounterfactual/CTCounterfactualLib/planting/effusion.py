"""Plant a pleural effusion: free and dependent, loculated anywhere, below the lung, or a rim.

`draw_effusion` draws what `paint_effusion` needs; the painting itself depends on that alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import above_level, distance_to, level_around, local_mean, positions, waves
from .hemithorax import RIGHT, Hemithorax
from .noise import Noise
from .paint import Paint, edge, room_of

FREE, LOCULATED, SUBPULMONIC, RIM = "free", "loculated", "subpulmonic", "rim"
KINDS, KIND_CHANCE = (FREE, LOCULATED, SUBPULMONIC, RIM), (0.5, 0.22, 0.15, 0.13)
# Of free fluid: patients lie on the back, seldom on the front or on a side. (K, J, I) of "down".
SUPINE, PRONE, ON_SIDE = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
POSITIONS, POSITION_CHANCE = (SUPINE, PRONE, ON_SIDE), (0.75, 0.18, 0.07)
# Transudate to exudate; blood is denser.
FLUID_HU, BLOOD_HU, BLOOD_CHANCE = (0.0, 30.0), (30.0, 40.0), 0.15
# Compressed lung beside it, from poorly aerated to without air.
COLLAPSE_HU, COLLAPSE_MM, COLLAPSE_CHANCE = (-550.0, 30.0), (5.0, 30.0), 0.7
MENISCUS_MM, MENISCUS_REACH_MM = (6.0, 45.0), 28.0
# Thickness of a loculated collection beside the radius that it has along the pleura.
ASPECT = (0.3, 0.9)
# A rim is a sheet along the pleura: fluid climbs this much further towards where it gathers.
RIM_SLOPE = (0.03, 0.15)
# Below the lung it is as thick everywhere, but for a slope to the back.
SUBPULMONIC_SLOPE = (-0.25, 0.1)
# How far a point is moved down by how high the lung's base is above its lowest.
DOME_SHARE = 0.25
BASE_SIGMA_MM = 6.0
# Few collections lie along the mediastinum.
MEDIAL_CHANCE, MEDIAL_SHARE = 0.15, 0.5


@dataclass(frozen=True)
class Effusion:
    """How one hemithorax is filled.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    ml, hu : float
        Volume and density.
    down : tuple of float
        (K, J, I) = (Superior, Anterior, Right): where free fluid and a rim gather.
    meniscus_mm : float
        How far it climbs along the pleura.
    aspect : float
        Thickness beside extent of a loculated collection.
    slope : float
        Of a rim: how much faster it thins away from where it gathers; of fluid below the lung: how
        much it gathers in the back.
    waves_mm, waves_length_mm : float
        Height and length of its surface's irregularities.
    edge_mm : float
        Width over which it blends into lung.
    collapse_mm, collapse_hu : float
        Thickness and density of the compressed lung beside it; 0 mm for none.
    medial : bool
        A loculated one may lie along the mediastinum.
    seed : int
        Of waves, noise and the place of a loculated collection.
    """

    ml: float
    kind: str = FREE
    hu: float = 12.0
    down: tuple[float, float, float] = (-0.2, -1.0, 0.0)
    meniscus_mm: float = 25.0
    aspect: float = 0.5
    slope: float = 0.1
    waves_mm: float = 2.0
    waves_length_mm: float = 40.0
    edge_mm: float = 2.0
    collapse_mm: float = 12.0
    collapse_hu: float = -250.0
    medial: bool = False
    seed: int = 0


def draw_effusion(rng: np.random.Generator, side: Hemithorax, ml: float) -> Effusion:
    """Draw an effusion of this volume for one side; none below a lung whose base isn't in view."""
    kind = str(rng.choice(KINDS, p=KIND_CHANCE))
    if kind == SUBPULMONIC and side.open_below:
        kind = FREE
    blood = rng.random() < BLOOD_CHANCE
    return Effusion(
        kind=kind,
        ml=ml,
        hu=float(rng.uniform(*(BLOOD_HU if blood else FLUID_HU))),
        down=_draw_down(rng, kind),
        meniscus_mm=float(rng.uniform(*MENISCUS_MM)),
        aspect=float(rng.uniform(*ASPECT)),
        slope=float(rng.uniform(*(RIM_SLOPE if kind == RIM else SUBPULMONIC_SLOPE))),
        waves_mm=float(rng.uniform(0.5, 6.0)),
        waves_length_mm=float(rng.uniform(20.0, 80.0)),
        edge_mm=float(rng.uniform(1.0, 4.0)),
        collapse_mm=float(rng.uniform(*COLLAPSE_MM)) if rng.random() < COLLAPSE_CHANCE else 0.0,
        collapse_hu=float(rng.uniform(*COLLAPSE_HU)),
        medial=bool(rng.random() < MEDIAL_CHANCE),
        seed=int(rng.integers(2**31)),
    )


def _draw_down(rng: np.random.Generator, kind: str) -> tuple[float, float, float]:
    if kind == RIM:  # anywhere, most often not at the very top or base
        k, j, i = rng.standard_normal(3) * (0.5, 1.0, 1.0)
        return float(k), float(j), float(i)
    k, j, i = POSITIONS[rng.choice(len(POSITIONS), p=POSITION_CHANCE)]
    tilt = float(rng.uniform(-0.2, 0.2))
    return -float(rng.uniform(0.0, 0.45)), j + (tilt if i else 0.0), i + (0.0 if i else tilt)


def paint_effusion(part: np.ndarray, side: Hemithorax, effusion: Effusion, noise: Noise) -> Paint:
    """Return an effusion's change (HU) and cover in the box of one side.

    Parameters
    ----------
    part : numpy.ndarray
        (K, J, I) of the box, float32, HU: what is there now.
    noise : Noise
        The scan's, which the fluid gets too.
    """
    rng = np.random.default_rng(effusion.seed)
    shape, spacing = side.shape, side.spacing
    depth = _DEPTHS[effusion.kind](side, effusion, rng)
    depth = depth + effusion.waves_mm * waves(rng, shape, spacing, effusion.waves_length_mm, 2)
    room = room_of(side, part, with_vessels=True)
    width = edge(side, effusion.edge_mm)
    level = level_around(depth, room.share, effusion.ml, side.space.voxel_ml, width)
    inside = above_level(depth, level, width)
    grain = noise.draw(rng, shape)
    fluid = room.fill(inside, effusion.hu + grain)
    if not effusion.collapse_mm:
        return fluid
    near = np.clip(1.0 + (depth - level) / effusion.collapse_mm, 0.0, 1.0) ** 2 * (1.0 - inside)
    collapsed = room_of(side, part).fill(near, effusion.collapse_hu + grain)
    return Paint(fluid.change + np.maximum(collapsed.change, 0.0), fluid.cover)


def _free(side: Hemithorax, effusion: Effusion, rng: np.random.Generator) -> np.ndarray:
    """A level surface that climbs along the pleura."""
    climb = np.clip(1.0 - side.space.wall / MENISCUS_REACH_MM, 0.0, 1.0)
    return _along(side, effusion.down) + effusion.meniscus_mm * climb


def _rim(side: Hemithorax, effusion: Effusion, rng: np.random.Generator) -> np.ndarray:
    """A sheet along the pleura, thickest where it gathers."""
    return effusion.slope * _along(side, effusion.down) - side.space.wall


def _loculated(side: Hemithorax, effusion: Effusion, rng: np.random.Generator) -> np.ndarray:
    """A lens on the pleura: its thickness falls off with the distance from its centre."""
    spot = _pleural_spot(side, effusion.medial, rng)
    along = distance_to(side.shape, side.spacing, spot)
    return -np.sqrt((effusion.aspect * along) ** 2 + side.space.wall**2)


def _subpulmonic(side: Hemithorax, effusion: Effusion, rng: np.random.Generator) -> np.ndarray:
    """A layer on the diaphragm: its surface repeats the dome's."""
    lung, step = side.space.lung, side.spacing[2]
    k, j, _ = positions(side.shape, side.spacing)
    base = np.where(lung.any(axis=0), lung.argmax(axis=0) * step, np.inf)  # (J, I), mm
    lowest = float(base.min())
    # Smoothed: a base known to whole slices would give the fluid's surface their steps.
    held = np.isfinite(base)[None]
    base = local_mean(np.where(held, base, 0.0), held, BASE_SIGMA_MM, side.spacing, lowest)[0]
    # Where the lung ends higher up it ends on heart or hilum, not on the diaphragm.
    return base - k - DOME_SHARE * (base - lowest) + effusion.slope * (j - j.mean())


_DEPTHS = {FREE: _free, RIM: _rim, LOCULATED: _loculated, SUBPULMONIC: _subpulmonic}


def _along(side: Hemithorax, direction: tuple[float, float, float]) -> np.ndarray:
    """Return how far along a direction (K, J, I) each voxel lies, mm."""
    k, j, i = positions(side.shape, side.spacing)
    length = float(np.linalg.norm(direction)) or 1.0
    a, b, c = (np.float32(part / length) for part in direction)
    return a * k + b * j + c * i


def _pleural_spot(
    side: Hemithorax, medial: bool, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Draw a place on the pleura, (K, J, I), mm within the box."""
    steps = np.array(side.spacing[::-1])
    surface = np.argwhere(side.space.lung & (side.space.wall <= 1.1 * side.spacing[0])) * steps
    if not medial:
        inwards = -1.0 if side.side == RIGHT else 1.0  # I grows to the right side
        offset = (surface[:, 2] - side.centre[2]) * inwards
        outer = offset < MEDIAL_SHARE * offset.max()
        surface = surface[outer] if outer.any() else surface
    k, j, i = surface[rng.integers(len(surface))]
    return float(k), float(j), float(i)
