"""Plant a nodule or mass: round, lobulated or spiculated; solid, part-solid, seldom calcified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ScanError
from .fields import above_level, distance_to, level_around, waves
from .hemithorax import Hemithorax
from .noise import Noise
from .paint import Paint, edge, room_of
from .tubes import Point, Tube, draw_tubes

SOLID_HU, GLASS_HU = (5.0, 65.0), (-700.0, -350.0)
CALCIFIED_HU = (180.0, 600.0)
PART_SOLID_CHANCE, CALCIFIED_CHANCE, SPICULATED_CHANCE = 0.2, 0.06, 0.35
VESSEL_CHANCE, TAG_CHANCE = 0.4, 0.35
# Solid core of a part-solid nodule, and chalk of a calcified one, as a share of the radius.
CORE = (0.3, 0.75)
# Height of lobules beside the radius, and their length.
LOBULES, LOBULE_LENGTH, ROUGHNESS = (0.03, 0.5), (0.7, 1.6), 0.5
STRANDS, STRAND_LENGTH, STRAND_MM = (6, 18), (0.4, 1.3), (0.5, 1.2)
VESSEL_MM, VESSEL_LENGTH_MM = (0.6, 1.6), (10.0, 30.0)
# A pleural tag reaches this far at most.
LONGEST_TAG_MM = 25.0
# Strands are tissue whatever the nodule is.
STRAND_HU = 10.0
# Of the drawn places the first is taken around which there is lung for this share of it: what would
# lie beyond the pleura is left out, so that it sits on the pleura.
TRIES, ROOM_SHARE = 200, (0.6, 0.95)
# A glassy part fades out over this, and is mottled by this much; so is, less so, a solid one.
GLASS_EDGE_MM, SOLID_EDGE_MM = (2.0, 6.0), (0.8, 2.5)
GLASS_MOTTLE_HU, SOLID_MOTTLE_HU, MOTTLE_MM = 60.0, 12.0, 6.0
# A core has an outline of its own: waves of this share of the radius.
CORE_WAVES = 0.35
# The shape is worked out within this many radii.
BOX_RADII, BOX_MARGIN_MM = 2.6, 6.0


@dataclass(frozen=True)
class Nodule:
    """How a nodule looks.

    Parameters
    ----------
    ml : float
        Volume without its strands.
    hu : float
        Density; of a part-solid one that of its glassy part.
    squash : tuple of float
        How much longer it is along (K, J, I).
    lobules, lobule_length : float
        Height and length of its lobules beside its radius.
    strands : int
        Spicules.
    core_hu, core : float
        Density and radius (a share) of another core; a share of 0: none.
    vessel, tag : bool
        It hangs on a vessel; a strand reaches the pleura.
    room : float
        At least this share of it lies in the lung; the rest is cut off by the pleura.
    mottle_hu, edge_mm : float
        How much its density varies; width over which it fades into lung.
    seed : int
        Of place, lobules, strands and noise.
    """

    ml: float
    hu: float = 30.0
    squash: tuple[float, float, float] = (1.0, 1.0, 1.0)
    lobules: float = 0.1
    lobule_length: float = 1.0
    strands: int = 0
    core_hu: float = 30.0
    core: float = 0.0
    vessel: bool = False
    tag: bool = False
    room: float = 0.85
    mottle_hu: float = 0.0
    edge_mm: float = 1.0
    seed: int = 0

    @property
    def radius(self) -> float:
        """Of a ball of its volume, mm."""
        return float(np.cbrt(self.ml * 1e3 * 3 / (4 * np.pi)))


def draw_nodule(rng: np.random.Generator, side: Hemithorax, ml: float) -> Nodule:
    """Draw a nodule of this volume."""
    kind = rng.random()
    part_solid = kind < PART_SOLID_CHANCE
    calcified = kind > 1.0 - CALCIFIED_CHANCE
    k, j, i = np.exp(rng.uniform(-0.2, 0.2, 3)).tolist()
    return Nodule(
        ml=ml,
        hu=float(rng.uniform(*(GLASS_HU if part_solid else SOLID_HU))),
        squash=(k, j, i),
        lobules=float(rng.uniform(*LOBULES)),
        lobule_length=float(rng.uniform(*LOBULE_LENGTH)),
        strands=int(rng.integers(*STRANDS)) if rng.random() < SPICULATED_CHANCE else 0,
        core_hu=float(rng.uniform(*(CALCIFIED_HU if calcified else SOLID_HU))),
        core=float(rng.uniform(*CORE)) if part_solid or calcified else 0.0,
        vessel=bool(rng.random() < VESSEL_CHANCE),
        tag=bool(rng.random() < TAG_CHANCE),
        room=float(rng.uniform(*ROOM_SHARE)),
        mottle_hu=GLASS_MOTTLE_HU if part_solid else float(rng.uniform(0.0, SOLID_MOTTLE_HU)),
        edge_mm=float(rng.uniform(*(GLASS_EDGE_MM if part_solid else SOLID_EDGE_MM))),
        seed=int(rng.integers(2**31)),
    )


def paint_nodule(part: np.ndarray, side: Hemithorax, nodule: Nodule, noise: Noise) -> Paint:
    """Return a nodule's change (HU) and cover in the box of one side.

    Raises
    ------
    ScanError
        If there is no place for it.
    """
    rng = np.random.default_rng(nodule.seed)
    shape, spacing = side.shape, side.spacing
    centre = _place(side, nodule, rng)
    room = room_of(side, part)
    body, depth = _body(side, room.share, nodule, centre, rng)
    filling = nodule.hu + nodule.mottle_hu * waves(rng, shape, spacing, MOTTLE_MM)
    if nodule.core:
        own = CORE_WAVES * nodule.radius * waves(rng, shape, spacing, nodule.radius, 2)
        core = above_level(
            depth + own, (1.0 - nodule.core) * nodule.radius, edge(side, nodule.edge_mm)
        )
        filling += core * (nodule.core_hu - filling)
    strands = draw_tubes(shape, spacing, _strands(side, nodule, centre, rng))
    only_strand = np.maximum(strands - body, 0.0)
    inside = body + only_strand
    filling += np.where(inside > 0, only_strand / np.maximum(inside, 1e-6), 0.0) * (
        STRAND_HU - filling
    )
    filling += noise.draw(rng, shape)
    paint = room.fill(inside, filling)
    return Paint(np.maximum(paint.change, 0.0), paint.cover)


def _place(side: Hemithorax, nodule: Nodule, rng: np.random.Generator) -> Point:
    """Draw a centre, (K, J, I), mm within the box, around which enough of the ball is lung."""
    steps = np.array(side.spacing[::-1])
    lung = side.space.lung
    places = np.argwhere(lung)
    radius = nodule.radius
    ball = rng.standard_normal((200, 3))
    ball *= radius * (rng.random((200, 1)) ** (1 / 3)) / np.linalg.norm(ball, axis=1)[:, None]
    for _ in range(TRIES):
        centre = places[rng.integers(len(places))]
        around = centre + np.rint(ball / steps).astype(int)
        held = (around >= 0).all(axis=1) & (around < lung.shape).all(axis=1)
        if lung[tuple(around[held].T)].sum() >= nodule.room * len(ball):
            k, j, i = centre * steps
            return float(k), float(j), float(i)
    raise ScanError(
        f"a nodule of {nodule.ml:.1f} mL ({2 * radius:.0f} mm) finds no place in the {side.side} "
        f"lung"
    )


def _body(
    side: Hemithorax, share: np.ndarray, nodule: Nodule, centre: Point, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of each voxel is nodule, 0..1, and the depth below its surface, mm."""
    shape, spacing, radius = side.shape, side.spacing, nodule.radius
    reach = BOX_RADII * radius + BOX_MARGIN_MM
    near = tuple(
        slice(max(0, int((c - reach) / s)), min(n, int((c + reach) / s) + 2))
        for c, s, n in zip(centre, spacing[::-1], shape, strict=True)
    )
    weight = share[near]
    origin = [part.start * s for part, s in zip(near, spacing[::-1], strict=True)]
    k, j, i = (c - o for c, o in zip(centre, origin, strict=True))
    a, b, c = nodule.squash
    # Distance in a space where the nodule is round: each axis divided by how much longer it is.
    squashed = (spacing[0] / c, spacing[1] / b, spacing[2] / a)
    away = distance_to(weight.shape, squashed, (k / a, j / b, i / c))
    depth = -away + nodule.lobules * radius * waves(
        rng, weight.shape, spacing, nodule.lobule_length * radius, 2, ROUGHNESS
    )
    width = edge(side, nodule.edge_mm)
    level = level_around(depth, weight, nodule.ml, side.space.voxel_ml, width)
    body, whole = np.zeros(shape, np.float32), np.full(shape, -np.inf, np.float32)
    body[near] = above_level(depth, level, width)
    whole[near] = depth - level
    return body, whole


def _strands(
    side: Hemithorax, nodule: Nodule, centre: Point, rng: np.random.Generator
) -> list[Tube]:
    """Draw spicules, the vessel it hangs on, and a tag to the nearest pleura."""
    middle, radius = np.array(centre), nodule.radius
    tubes = []
    for _ in range(nodule.strands):
        way = rng.standard_normal(3)
        way /= np.linalg.norm(way)
        length = radius * (1.0 + rng.uniform(*STRAND_LENGTH))
        thick = float(rng.uniform(*STRAND_MM))
        tubes.append(
            Tube(
                tuple(middle + 0.8 * radius * way), tuple(middle + length * way), thick, 0.2 * thick
            )
        )
    if nodule.vessel:
        way = np.array(side.hilum) - middle
        away = max(float(np.linalg.norm(way)), 1e-6)
        way = way / away + rng.normal(0.0, 0.2, 3)
        reach = min(radius + float(rng.uniform(*VESSEL_LENGTH_MM)), away)
        thick = float(rng.uniform(*VESSEL_MM))
        tubes.append(Tube(tuple(middle), tuple(middle + reach * way), thick, thick))
    if nodule.tag:
        tubes += _tag(side, middle, radius, float(rng.uniform(*STRAND_MM)))
    return tubes


def _tag(side: Hemithorax, middle: np.ndarray, radius: float, thick: float) -> list[Tube]:
    steps = np.array(side.spacing[::-1])
    index = tuple(np.rint(middle / steps).astype(int).clip(0, np.array(side.shape) - 1))
    if side.space.wall[index] > radius + LONGEST_TAG_MM:
        return []
    surface = np.argwhere(side.space.lung & (side.space.wall <= 1.1 * side.spacing[0])) * steps
    if not len(surface):
        return []
    nearest = surface[((surface - middle) ** 2).sum(axis=1).argmin()]
    return [Tube(tuple(middle), tuple(nearest), thick, thick)]
