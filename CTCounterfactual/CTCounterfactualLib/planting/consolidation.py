"""Plant a consolidation: lung whose air gave way to fluid or cells, from ground glass to solid.

Vessels stay as they were, so that they drown as the density rises; bronchi keep their air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .fields import above_level, distance_to, level_around, positions, waves
from .hemithorax import RIGHT, Hemithorax
from .noise import Noise
from .paint import Paint, edge, room_of
from .tubes import Tube, draw_tubes

LOBAR, SEGMENTAL, PATCHY, ROUND = "lobar", "segmental", "patchy", "round"
KINDS, KIND_CHANCE = (LOBAR, SEGMENTAL, PATCHY, ROUND), (0.25, 0.3, 0.3, 0.15)
SOLID_HU, GLASS_HU, GLASS_CHANCE = (20.0, 60.0), (-650.0, -200.0), 0.3
# Where a lobe lies from the middle of the lung, (K, J, I) = (Superior, Anterior, Right).
LOBES = ((-1.0, -0.6, 0.0), (1.0, 0.5, 0.0), (-0.6, 1.0, 0.0))
# Half-width of a segment's wedge beside its length.
WEDGE = (0.25, 0.6)
# A patch further from the middle by this much must stick out of the waves by as much.
PATCHY_PULL = (0.2, 0.5)
BRONCHI = (0, 9)
BRONCHUS_MM = (0.5, 2.4)
# Solid consolidation varies by little, ground glass by more.
SOLID_WAVES_HU, GLASS_WAVES_HU, DENSITY_LENGTH_MM = 10.0, 60.0, 9.0
# Lung darker than its surroundings by the first is partly, by the second wholly a bronchus or a
# bulla, which keeps its air: after smoothing, beyond the noise, and away from the wall.
AIR_BELOW_HU, AIR_FULL_HU = 60.0, 120.0
AIR_SIGMA_MM, AIR_FROM_WALL_MM, AIR_SIGMAS = 0.8, 5.0, 2.0


@dataclass(frozen=True)
class Consolidation:
    """How a part of a lung is filled.

    Parameters
    ----------
    ml, hu : float
        Volume and density.
    kind : str
        One of `KINDS`.
    direction : tuple of float
        (K, J, I): where a lobe lies, or a segment from the hilum.
    wedge, pull : float
        Width of a segment beside its length; how close patches keep together.
    waves_mm, waves_length_mm : float
        Height and length of its border's irregularities.
    edge_mm : float
        Width over which it fades into lung.
    variation_hu : float
        How much its density varies.
    bronchi : int
        Air-filled ones drawn in addition to those that the scan shows.
    seed : int
        Of place, waves, noise and bronchi.
    """

    ml: float
    kind: str = SEGMENTAL
    hu: float = 40.0
    direction: tuple[float, float, float] = (-1.0, -0.6, 0.0)
    wedge: float = 0.4
    pull: float = 0.3
    waves_mm: float = 5.0
    waves_length_mm: float = 20.0
    edge_mm: float = 4.0
    variation_hu: float = SOLID_WAVES_HU
    bronchi: int = 4
    seed: int = 0


def draw_consolidation(rng: np.random.Generator, side: Hemithorax, ml: float) -> Consolidation:
    """Draw a consolidation of this volume for one side."""
    kind = str(rng.choice(KINDS, p=KIND_CHANCE))
    glass = rng.random() < GLASS_CHANCE
    if kind == LOBAR:
        direction = np.array(LOBES[rng.integers(len(LOBES))]) + rng.normal(0.0, 0.2, 3)
    else:
        outwards = 1.0 if side.side == RIGHT else -1.0
        direction = rng.standard_normal(3) + np.array([0.0, -0.3, 0.8 * outwards])
    waves_mm = rng.uniform(1.0, 4.0) if kind == LOBAR else rng.uniform(3.0, 12.0)
    k, j, i = direction.tolist()
    return Consolidation(
        ml=ml,
        kind=kind,
        hu=float(rng.uniform(*(GLASS_HU if glass else SOLID_HU))),
        direction=(k, j, i),
        wedge=float(rng.uniform(*WEDGE)),
        pull=float(rng.uniform(*PATCHY_PULL)),
        waves_mm=float(waves_mm),
        waves_length_mm=float(rng.uniform(12.0, 35.0)),
        edge_mm=float(rng.uniform(1.5, 4.0) if kind == LOBAR else rng.uniform(2.0, 14.0)),
        variation_hu=float(rng.uniform(0.0, GLASS_WAVES_HU if glass else SOLID_WAVES_HU)),
        bronchi=0 if glass else int(rng.integers(*BRONCHI)),
        seed=int(rng.integers(2**31)),
    )


def paint_consolidation(
    part: np.ndarray, side: Hemithorax, consolidation: Consolidation, noise: Noise
) -> Paint:
    """Return a consolidation's change (HU) and cover in the box of one side; see `Room.fill`."""
    rng = np.random.default_rng(consolidation.seed)
    shape, spacing = side.shape, side.spacing
    depth = _DEPTHS[consolidation.kind](side, consolidation, rng)
    room = room_of(side, part)
    width = edge(side, consolidation.edge_mm)
    level = level_around(depth, room.share, consolidation.ml, side.space.voxel_ml, width)
    inside = above_level(depth, level, width)
    inside *= 1.0 - _air(side, part, noise)
    if consolidation.bronchi:
        tubes = _bronchi(side, inside, consolidation.bronchi, rng)
        inside *= 1.0 - draw_tubes(shape, spacing, tubes)
    # The more it is like tissue, the more noise it needs of its own: that of lung is filled up.
    tissue = np.clip((consolidation.hu - side.lung_hu) / -side.lung_hu, 0.0, 1.0)
    filling = consolidation.hu + tissue * noise.draw(rng, shape)
    if consolidation.variation_hu:
        filling += consolidation.variation_hu * waves(rng, shape, spacing, DENSITY_LENGTH_MM, 2)
    return _no_darker(room.fill(inside, filling))


def _no_darker(paint: Paint) -> Paint:
    """Take away what would lower the density: lung there is denser than the finding already."""
    return Paint(np.maximum(paint.change, 0.0), paint.cover)


def _air(side: Hemithorax, part: np.ndarray, noise: Noise) -> np.ndarray:
    """Return how much of each voxel is a bronchus's or a bulla's air, 0..1.

    Noise mustn't look like bronchi, nor a sharp kernel's dark line along the wall.
    """
    sigma = (0.0, AIR_SIGMA_MM / side.spacing[1], AIR_SIGMA_MM / side.spacing[0])
    below = side.lung_hu - ndimage.gaussian_filter(part, sigma) - AIR_SIGMAS * noise.hu
    share = np.clip((below - AIR_BELOW_HU) / (AIR_FULL_HU - AIR_BELOW_HU), 0.0, 1.0)
    return share * (side.space.wall > AIR_FROM_WALL_MM)


def _lobar(side: Hemithorax, c: Consolidation, rng: np.random.Generator) -> np.ndarray:
    """All that lies beyond a wavy plane, as a fissure bounds it."""
    k, j, i = positions(side.shape, side.spacing)
    n = np.array(c.direction) / max(float(np.linalg.norm(c.direction)), 1e-6)
    return n[0] * k + n[1] * j + n[2] * i + _border(side, c, rng)


def _segmental(side: Hemithorax, c: Consolidation, rng: np.random.Generator) -> np.ndarray:
    """A wedge with its tip at the hilum and its base on the pleura."""
    n = np.array(c.direction) / max(float(np.linalg.norm(c.direction)), 1e-6)
    k, j, i = (p - h for p, h in zip(positions(side.shape, side.spacing), side.hilum, strict=True))
    along = n[0] * k + n[1] * j + n[2] * i
    across = np.sqrt(np.maximum(k**2 + j**2 + i**2 - along**2, 0.0))
    wedge = c.wedge * np.maximum(along, 0.0) + np.minimum(along, 0.0) - across
    return wedge + _border(side, c, rng)


def _patchy(side: Hemithorax, c: Consolidation, rng: np.random.Generator) -> np.ndarray:
    """Islands around a place near the pleura."""
    away = distance_to(side.shape, side.spacing, _spot(side, rng))
    return -c.pull * away + 2.0 * _border(side, c, rng)


def _round(side: Hemithorax, c: Consolidation, rng: np.random.Generator) -> np.ndarray:
    """A ball with an irregular border."""
    return -distance_to(side.shape, side.spacing, _spot(side, rng)) + _border(side, c, rng)


_DEPTHS = {LOBAR: _lobar, SEGMENTAL: _segmental, PATCHY: _patchy, ROUND: _round}


def _border(side: Hemithorax, c: Consolidation, rng: np.random.Generator) -> np.ndarray:
    return c.waves_mm * waves(rng, side.shape, side.spacing, c.waves_length_mm, 3, 0.6)


def _spot(side: Hemithorax, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw a place in the lung, (K, J, I), mm within the box."""
    places = np.argwhere(side.space.lung)
    k, j, i = places[rng.integers(len(places))] * np.array(side.spacing[::-1])
    return float(k), float(j), float(i)


def _bronchi(
    side: Hemithorax, inside: np.ndarray, count: int, rng: np.random.Generator
) -> list[Tube]:
    """Draw bent bronchi that run from the hilum's side into the consolidation."""
    steps = np.array(side.spacing[::-1])
    within = np.argwhere((inside > 0.9) & (side.space.wall > 4.0)) * steps
    if not len(within):
        return []
    tubes = []
    for _ in range(count):
        end = within[rng.integers(len(within))]
        start = end + rng.uniform(0.3, 0.8) * (np.array(side.hilum) - end)
        bend = (start + end) / 2 + rng.normal(0.0, 0.08, 3) * np.linalg.norm(end - start)
        wide = float(rng.uniform(BRONCHUS_MM[0] * 2, BRONCHUS_MM[1]))
        thin = float(rng.uniform(BRONCHUS_MM[0], wide))
        middle = (wide + thin) / 2
        tubes.append(Tube(tuple(start), tuple(bend), wide, middle))
        tubes.append(Tube(tuple(bend), tuple(end), middle, thin))
    return tubes
