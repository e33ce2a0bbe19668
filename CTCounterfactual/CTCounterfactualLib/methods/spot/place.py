"""Where a spot lies on the prepared grid, and where control spots may lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import ScanError
from ...scans.grid import PreparedScan
from .answer import Point

# At the border of a spot the replacement fades in over this, so that no edge is drawn.
FADE_MM = 3.0
# A control spot has this share of its ball in the body.
LEAST_INSIDE = 0.9
# Places drawn for each control spot that is wanted.
DRAWS = 50


@dataclass(frozen=True)
class Spot:
    """A ball on the prepared grid.

    Parameters
    ----------
    centre : numpy.ndarray
        (3,) K, J, I, not rounded.
    box : tuple of slice
        (K, J, I) around it.
    weight : numpy.ndarray
        Of the box, float32, 0..1: how much of a voxel is replaced.
    """

    centre: np.ndarray
    box: tuple[slice, ...]
    weight: np.ndarray

    def on_grid(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the weight on the whole grid: (K, J, I), float32."""
        whole = np.zeros(shape, np.float32)
        whole[self.box] = self.weight
        return whole


def index_of(prepared: PreparedScan, at: Point) -> np.ndarray:
    """Return the (K, J, I) of a point R, A, S in mm, not rounded."""
    lps = np.array([-at[0], -at[1], at[2]])
    steps = (lps - np.array(prepared.origin)) * [-1, -1, 1] / np.array(prepared.spec.spacing)
    return steps[::-1]


def point_of(prepared: PreparedScan, index: np.ndarray) -> Point:
    """Return the R, A, S in mm of a (K, J, I)."""
    i, j, k = index[::-1] * np.array(prepared.spec.spacing)
    x, y, z = prepared.origin
    return (float(i - x), float(j - y), float(z + k))


def spot_at(
    prepared: PreparedScan, allowed: np.ndarray, centre: np.ndarray, radius_mm: float
) -> Spot:
    """Return a ball of what is `allowed` (K, J, I), 0..1, around a (K, J, I)."""
    spacing = np.array(prepared.spec.spacing[::-1])
    reach = radius_mm / spacing
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.minimum(np.ceil(centre + reach).astype(int) + 1, allowed.shape)
    box = tuple(slice(int(a), int(max(a, b))) for a, b in zip(low, high, strict=True))
    places = np.ogrid[box]
    squares = sum(
        ((axis - c) * mm) ** 2 for axis, c, mm in zip(places, centre, spacing, strict=True)
    )
    fade = min(FADE_MM, radius_mm)
    ball = ((radius_mm - np.sqrt(squares)) / fade).clip(0, 1)
    return Spot(centre, box, (ball * allowed[box]).astype(np.float32))


def asked_spot(prepared: PreparedScan, allowed: np.ndarray, at: Point, radius_mm: float) -> Spot:
    """Return the spot that was asked for.

    Raises
    ------
    ScanError
        If it lies outside the scan or the body, or holds no voxel.
    """
    centre = index_of(prepared, at)
    nearest = np.round(centre).astype(int)
    shape = np.array(allowed.shape)
    where = f"({', '.join(f'{v:g}' for v in at)}) mm (R, A, S)"
    if (nearest < 0).any() or (nearest >= shape).any() or not prepared.inside[tuple(nearest)]:
        low, high = point_of(prepared, np.zeros(3)), point_of(prepared, shape - 1.0)
        covered = ", ".join(
            f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in zip("RAS", low, high, strict=True)
        )
        raise ScanError(
            f"The spot at {where} lies outside the scan, which covers {covered} mm. Give a point "
            f"in it."
        )
    spot = spot_at(prepared, allowed, centre, radius_mm)
    if allowed[tuple(nearest)] == 0:
        raise ScanError(
            f"The spot at {where} lies outside the patient's body, where nothing is looked at. "
            f"Give a point in the body."
        )
    if not spot.weight.any():
        raise ScanError(
            f"A spot of {radius_mm:g} mm at {where} holds no voxel of the prepared grid "
            f"({' x '.join(f'{s:g}' for s in prepared.spec.spacing)} mm). Give a larger radius."
        )
    return spot


def control_spots(
    prepared: PreparedScan,
    allowed: np.ndarray,
    asked: Spot,
    radius_mm: float,
    number: int,
    rng: np.random.Generator,
) -> list[Spot]:
    """Return spots of the same radius at random in the body, none of which meets the asked one.

    Fewer than wanted where there is no room.
    """
    spacing = np.array(prepared.spec.spacing[::-1])
    places = np.argwhere(allowed > 0)
    full = spot_at(prepared, np.ones_like(allowed), np.array(allowed.shape) / 2, radius_mm)
    whole = float(full.weight.sum())
    found: list[Spot] = []
    for _ in range(DRAWS * number):
        if len(found) == number or not len(places):
            break
        centre = places[rng.integers(len(places))].astype(float)
        if np.linalg.norm((centre - asked.centre) * spacing) < 2 * radius_mm:
            continue
        spot = spot_at(prepared, allowed, centre, radius_mm)
        if spot.weight.sum() >= LEAST_INSIDE * whole:
            found.append(spot)
    return found


def inpainted(volume: np.ndarray, spot: Spot, radius_mm: float, spacing) -> np.ndarray:
    """Return the box of a spot as its surroundings go on into it: (K, J, I) of the box, 0..1.

    A mean of what lies around the spot, weighted by distance: no texture, no edge.
    """
    margin = [int(np.ceil(radius_mm / mm)) + 1 for mm in spacing[::-1]]
    around = tuple(
        slice(max(s.start - m, 0), min(s.stop + m, n))
        for s, m, n in zip(spot.box, margin, volume.shape, strict=True)
    )
    inner = tuple(
        slice(s.start - a.start, s.stop - a.start) for s, a in zip(spot.box, around, strict=True)
    )
    outside = np.ones([s.stop - s.start for s in around], np.float32)
    outside[inner] = spot.weight == 0
    sigma = [radius_mm / 2 / mm for mm in spacing[::-1]]
    kept = ndimage.gaussian_filter(outside, sigma)
    filled = ndimage.gaussian_filter(volume[around] * outside, sigma)
    return (filled / np.maximum(kept, np.finfo(np.float32).tiny))[inner]
