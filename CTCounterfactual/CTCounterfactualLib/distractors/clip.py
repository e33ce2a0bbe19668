"""Leave a surgical clip in the soft tissue: a small V of metal. Its streaks are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import ScanError
from ..scans.hounsfield import MAX_STORED_HU
from .layers import Layer, tube_layer
from .patient import Patient, Point, place_of

LEG_MM, WIRE_RADIUS_MM, SPREAD_DEG = (6.0, 11.0), (0.45, 0.7), (15.0, 40.0)
# Fat and muscle, this deep below the skin.
TISSUE_HU, DEPTH_MM = (-130.0, 120.0), (14.0, 60.0)
# Places are looked for on every n-th voxel: of about 5 mm.
COARSE_MM = 5.0


@dataclass(frozen=True)
class Clip:
    """A V of two legs: its tip, and the ends of the legs, (K, J, I) mm; radius of the wire."""

    tip: Point
    ends: tuple[Point, Point]
    radius_mm: float = 0.6

    @property
    def ml(self) -> float:
        """Of both legs."""
        length = sum(float(np.linalg.norm(np.subtract(end, self.tip))) for end in self.ends)
        return float(np.pi * self.radius_mm**2 * length) * 1e-3


def draw_clip(patient: Patient, rng: np.random.Generator) -> Clip:
    """Draw a place in soft tissue and a direction; raise `ScanError` if there is no such place."""
    few = tuple(slice(None, None, max(1, int(COARSE_MM / s))) for s in patient.steps)
    steps = [part.step * s for part, s in zip(few, patient.steps, strict=True)]
    body, hu = patient.body[few], patient.hu[few]
    deep = ndimage.distance_transform_edt(body, sampling=steps)
    fits = (hu > TISSUE_HU[0]) & (hu < TISSUE_HU[1])
    fits &= (deep >= DEPTH_MM[0]) & (deep <= DEPTH_MM[1])
    places = np.argwhere(fits)
    if not len(places):
        raise ScanError(f"No room in {patient.name} for a clip: it shows no soft tissue.")
    tip = places[rng.integers(len(places))] * np.array(steps)
    along, aside = (_unit(rng.standard_normal(3)) for _ in range(2))
    aside = _unit(aside - (aside @ along) * along)
    half = np.deg2rad(float(rng.uniform(*SPREAD_DEG))) / 2
    length = float(rng.uniform(*LEG_MM))
    one, other = (
        tip + length * (np.cos(half) * along + sign * np.sin(half) * aside) for sign in (1, -1)
    )
    return Clip(_point(tip), (_point(one), _point(other)), float(rng.uniform(*WIRE_RADIUS_MM)))


def paint_clip(patient: Patient, clip: Clip, rng: np.random.Generator) -> list[Layer]:
    """Return the V as one layer."""
    course = [clip.ends[0], clip.tip, clip.ends[1]]
    return [tube_layer(patient, course, clip.radius_mm, float(MAX_STORED_HU))]


def words(patient: Patient, clip: Clip) -> str:
    """Return where it lies."""
    k, j, i = np.array(clip.tip) / patient.steps
    j_middle, i_middle = patient.middle(min(round(k), patient.hu.shape[0] - 1))
    across = (i - i_middle) * patient.steps[2], (j - j_middle) * patient.steps[1]
    return f"soft tissue, {place_of(float(np.rad2deg(np.arctan2(*across))))}, {patient.height(k)}"


def _unit(values: np.ndarray) -> np.ndarray:
    return values / max(float(np.linalg.norm(values)), 1e-9)


def _point(values: np.ndarray) -> Point:
    k, j, i = (float(v) for v in values)
    return k, j, i
