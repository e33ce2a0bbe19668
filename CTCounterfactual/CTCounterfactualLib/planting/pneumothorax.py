"""Plant a pneumothorax: air where it rises to, and the lung's own content pressed together below.

The lung shrinks towards its hilum, most in the direction in which the air gathers; its voxels are
moved there with the vessels in them and grow denser as it loses air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import ScanError
from .fields import positions
from .hemithorax import Hemithorax
from .noise import Noise
from .paint import Paint, edge, room_of

AIR_HU = -1000.0
# Where air rises to: to the front of a patient on the back, and to the apex. (K, J, I).
SUPINE, PRONE, UPRIGHT = (0.35, 1.0, 0.0), (0.35, -1.0, 0.0), (1.0, 0.2, 0.0)
POSITIONS, POSITION_CHANCE = (SUPINE, UPRIGHT, PRONE), (0.7, 0.15, 0.15)
# Over how wide a field around that direction the lung shrinks: power of the cosine.
FOCUS = (0.8, 3.0)
# The visceral pleura, mm; seen as a thin line.
PLEURA_MM = (0.4, 0.9)
PLEURA_HU = 20.0
# The lung never shrinks to less than this share of its radius in the direction of the air.
SMALLEST_SHARE = 0.35
# Directions are counted in bins this wide, degrees, and the lung's outline smoothed over some.
BIN_DEG, OUTLINE_BINS = 6.0, 1.0
BISECTIONS = 12
# Voxels that a volume is estimated from.
SAMPLES = 300_000
# Tried in this order where the air finds no room: shares of the focus.
WIDER = (1.0, 0.6, 0.35, 0.15)
# Compressed lung is no denser than tissue.
DENSEST_HU = 0.0


@dataclass(frozen=True)
class Pneumothorax:
    """How air gathers beside one lung.

    Parameters
    ----------
    ml : float
        Volume of the air.
    up : tuple of float
        (K, J, I) = (Superior, Anterior, Right): where it gathers.
    focus : float
        How narrowly: a power of the cosine of the angle to `up`.
    pleura_mm : float
        Thickness of the visceral pleura.
    seed : int
        Of the noise.
    """

    ml: float
    up: tuple[float, float, float] = SUPINE
    focus: float = 1.5
    pleura_mm: float = 0.6
    seed: int = 0


def draw_pneumothorax(rng: np.random.Generator, side: Hemithorax, ml: float) -> Pneumothorax:
    """Draw a pneumothorax of this volume for one side."""
    up = np.array(POSITIONS[rng.choice(len(POSITIONS), p=POSITION_CHANCE)])
    k, j, i = (up + rng.normal(0.0, 0.15, 3)).tolist()
    return Pneumothorax(
        ml=ml,
        up=(k, j, i),
        focus=float(rng.uniform(*FOCUS)),
        pleura_mm=float(rng.uniform(*PLEURA_MM)),
        seed=int(rng.integers(2**31)),
    )


def paint_pneumothorax(
    part: np.ndarray, side: Hemithorax, pneumothorax: Pneumothorax, noise: Noise
) -> Paint:
    """Return the change (HU) in the box of one side, and how much of each voxel became free air.

    The change has the moved lung in it, too; the cover hasn't.
    """
    rng = np.random.default_rng(pneumothorax.seed)
    polar = _Polar(side, pneumothorax.up)
    width = edge(side, 0.0)
    room = room_of(side, part, with_vessels=True)
    shrink = _shrink_for(room.share * side.space.voxel_ml, polar, pneumothorax, width)
    scale = 1.0 - shrink  # of the radius, in each voxel's direction
    surface = scale * polar.outline
    # No air where the lung has hardly moved, and no line either.
    gap = np.clip((polar.outline - surface) / (2 * width), 0.0, 1.0)
    outside = np.clip((polar.radius - surface) / width + 0.5, 0.0, 1.0) * gap
    lung = room.fill(1.0 - outside, _moved_lung(part, side, polar, scale)).change
    lung *= side.space.lung
    air = room.fill(outside, AIR_HU + noise.draw(rng, side.shape))
    now = part + lung + air.change
    # A line of the width that the scan can show, with all of the thin pleura's tissue in it.
    line = np.exp(-0.5 * ((polar.radius - surface) / (0.5 * width)) ** 2)
    line *= pneumothorax.pleura_mm / (0.5 * width * np.sqrt(2 * np.pi)) * gap * side.space.lung
    change = lung + air.change + np.minimum(line, 1.0) * np.maximum(PLEURA_HU - now, 0.0)
    return Paint(change.astype(np.float32), air.cover)


class _Polar:
    """Directions from the hilum: each voxel's radius, the lung's outline, how much "up" it is."""

    def __init__(self, side: Hemithorax, up: tuple[float, float, float]):
        self.hilum = side.hilum
        k, j, i = (
            p - h for p, h in zip(positions(side.shape, side.spacing), self.hilum, strict=True)
        )
        self.radius = np.sqrt(k**2 + j**2 + i**2).astype(np.float32)
        safe = np.maximum(self.radius, 1e-3)
        a, b, c = np.array(up) / max(float(np.linalg.norm(up)), 1e-6)
        cosine = (a * k + b * j + c * i) / safe
        self.upwards = np.clip(0.5 + 0.5 * cosine, 0.0, 1.0).astype(np.float32)
        self.outline = self._outline(side, np.arccos(np.clip(k / safe, -1, 1)), np.arctan2(j, i))

    def _outline(self, side: Hemithorax, polar: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Return the lung's greatest radius in each voxel's direction, mm."""
        bins = (round(180 / BIN_DEG), round(360 / BIN_DEG))
        p = polar / np.pi * bins[0]
        t = (np.broadcast_to(turn, polar.shape) + np.pi) / (2 * np.pi) * bins[1]
        lung = side.space.lung
        farthest = np.zeros(bins, np.float32)
        place = (np.minimum(p[lung].astype(int), bins[0] - 1), t[lung].astype(int) % bins[1])
        np.maximum.at(farthest, place, self.radius[lung])
        seen = farthest > 0
        blur = {"sigma": OUTLINE_BINS, "mode": ("nearest", "wrap")}
        farthest = ndimage.gaussian_filter(farthest, **blur) / np.maximum(
            ndimage.gaussian_filter(seen.astype(np.float32), **blur), 1e-3
        )
        padded = np.pad(np.pad(farthest, ((1, 1), (0, 0)), "edge"), ((0, 0), (1, 1)), "wrap")
        return ndimage.map_coordinates(padded, [p + 0.5, t + 0.5], order=1, mode="nearest")


def _shrink_for(
    weight: np.ndarray, polar: _Polar, pneumothorax: Pneumothorax, width: float
) -> np.ndarray:
    """Return the share by which the lung's radius must shrink for the air, (K, J, I).

    Where the lung can't shrink enough in the direction drawn, it shrinks more widely.

    Parameters
    ----------
    weight : numpy.ndarray
        (K, J, I): mL of lung in each voxel.
    """
    inside = np.flatnonzero(weight)
    step = max(1, len(inside) // SAMPLES)
    some = inside[::step]
    radius, outline, upwards, held = (
        values.ravel()[some] for values in (polar.radius, polar.outline, polar.upwards, weight)
    )

    def freed(most: float, focus: float) -> float:
        moved = most * upwards ** (2 * focus) * outline
        outside = np.clip((radius - outline + moved) / width + 0.5, 0.0, 1.0)
        return float((outside * held * np.clip(moved / (2 * width), 0.0, 1.0)).sum()) * step

    for wider in WIDER:
        focus = pneumothorax.focus * wider
        low, high = 0.0, 1.0 - SMALLEST_SHARE
        if freed(high, focus) < pneumothorax.ml:
            continue
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if freed(middle, focus) < pneumothorax.ml else (low, middle)
        return high * polar.upwards ** (2 * focus)
    raise ScanError(f"the lung can't give way to {pneumothorax.ml:.0f} mL of air")


def _moved_lung(part: np.ndarray, side: Hemithorax, polar: _Polar, scale: np.ndarray) -> np.ndarray:
    """Return what of the lung comes to lie in each voxel, HU: denser as the lung loses air."""
    hilum = np.array(polar.hilum)
    steps = np.array(side.spacing[::-1])
    grid = positions(side.shape, side.spacing)
    # Little is moved near the hilum: the shortening grows with the square of the radius.
    share = np.clip(polar.radius / np.maximum(scale * polar.outline, 1e-3), 0.0, 1.0)
    local = 1.0 + (1.0 / scale - 1.0) * share
    where = [((p - h) * local + h) / s for p, h, s in zip(grid, hilum, steps, strict=True)]
    content = np.where(side.space.lung, part, side.lung_hu)
    moved = ndimage.map_coordinates(content, where, order=1, mode="nearest")
    denser = AIR_HU + (moved - AIR_HU) * local**2
    return np.where(moved < DENSEST_HU, np.minimum(denser, DENSEST_HU), moved)
