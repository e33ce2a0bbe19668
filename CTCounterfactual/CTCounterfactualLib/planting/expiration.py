"""A smaller lung: the scan as it would be after breathing out, for scores that measure lung size.

A smooth warp; the lungs' mass stays, so that they grow denser as they shrink.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import ScanError, SettingsError
from .breath import Breath, breath_of
from .fields import Spacing

# One unit of motion; how much of it is needed is found. Drawn around these by the factor below.
RISE_MM, FRONT_MM, SIDES_MM = 20.0, 4.0, 2.0
SPREAD = 1.4
# Beyond this share the warp would fold, or tear the abdomen.
MOST_SHARE = 0.4
LEAST_DENSITY = 0.2
BISECTIONS = 14
# So finely a share that can't be reached is told.
TENTHS_OF_PERCENT = 1000
# The volume is estimated on every n-th voxel, about so far apart; folds are looked for at every
# fourth in plane.
COARSE_MM, EVERY = 5.0, 4
LEAST_LUNG_ML = 200.0
# Below the first HU a voxel is aerated lung and grows denser; from the second on it is tissue.
AERATED_HU, TISSUE_HU = -500.0, 0.0
AIR_HU = -1000.0
# No tissue or air is darker, noise included: what a field of view doesn't reach is.
PADDING_HU = -1500.0
# Density is corrected by no more than this for what tissue in the lung doesn't take up.
CORRECTION = (0.0, 2.5)
# Slices are warped some at a time, to save memory.
SLICES = 16
# Cubic: linear interpolation would smooth the noise, which would tell where something moved.
ORDER = 3


@dataclass(frozen=True)
class Expired:
    """A scan after breathing out.

    Parameters
    ----------
    hu : numpy.ndarray
        (K, J, I), float32, HU.
    lungs : numpy.ndarray
        (K, J, I), bool: where the lungs are now.
    ml_before, ml : float
        Volume of the lungs before and now.
    rise_mm : float
        How far the dome of the diaphragm has risen.
    """

    hu: np.ndarray
    lungs: np.ndarray
    ml_before: float
    ml: float
    rise_mm: float


def expire(
    hu: np.ndarray,
    lungs: np.ndarray,
    spacing: Spacing,
    rng: np.random.Generator,
    share: float = 0.15,
    name: str = "the scan",
) -> Expired:
    """Make the lungs smaller by a share of their volume; the input stays as it is.

    Parameters
    ----------
    hu : numpy.ndarray
        (K, J, I), HU; K grows to Superior, J to Anterior, I to Right.
    lungs : numpy.ndarray
        (K, J, I), bool.
    spacing : tuple of float
        (I, J, K) mm.
    rng : numpy.random.Generator
        Draws how much of it is diaphragm and how much wall.
    share : float
        Of the lungs' volume, above 0, at most `MOST_SHARE`.
    name : str
        Of the scan, for messages.

    Raises
    ------
    SettingsError
        For another share.
    ScanError
        If there is too little lung, or the scan doesn't show enough around it to give way.
    """
    if not 0 < share <= MOST_SHARE:
        raise SettingsError(
            f"Lungs can't be made smaller by {share}; give a share above 0, at most {MOST_SHARE}."
        )
    mask = _checked(hu, lungs, spacing, name)
    voxel_ml = float(np.prod(spacing)) * 1e-3
    rise, front, sides = (mm * SPREAD ** rng.uniform(-1, 1) for mm in (RISE_MM, FRONT_MM, SIDES_MM))
    breath = breath_of(mask, spacing, rise, front, sides)
    amount = _amount(breath, mask, share, name)
    warped, now, density = _warp(hu, mask, breath, amount)
    warped = _denser(hu, warped, mask, now, density)
    return Expired(
        warped,
        now,
        mask.sum() * voxel_ml,
        now.sum() * voxel_ml,
        amount * float(breath.rise.max()),
    )


def _checked(hu: np.ndarray, lungs: np.ndarray, spacing: Spacing, name: str) -> np.ndarray:
    if hu.shape != lungs.shape:
        raise ScanError(
            f"The lung mask of {name} has {lungs.shape} voxels (K, J, I), the scan {hu.shape}: "
            f"give the mask of this very scan."
        )
    mask = lungs.astype(bool)
    ml = float(mask.sum()) * float(np.prod(spacing)) * 1e-3
    if ml < LEAST_LUNG_ML:
        raise ScanError(
            f"The lungs of {name} can't be made smaller: its mask holds {ml:.0f} mL, and at least "
            f"{LEAST_LUNG_ML:g} mL are needed."
        )
    return mask


def _amount(breath: Breath, lungs: np.ndarray, share: float, name: str) -> float:
    """Return how many units of motion make the lungs smaller by a share."""
    steps = [max(1, int(COARSE_MM / s)) for s in breath.spacing[::-1]]
    (box,) = ndimage.find_objects(lungs.astype(np.uint8))
    few = tuple(slice(part.start, part.stop, n) for part, n in zip(box, steps, strict=True))
    mask = lungs.astype(np.float32)
    total = float(lungs[few].sum())

    def lost(amount: float) -> float:
        where = breath.sources(amount, *few)
        held = ndimage.map_coordinates(mask, where, order=1, mode="nearest")
        return 1.0 - float(held.sum()) / total

    low, high = 0.0, _most(breath, len(lungs))
    most = lost(high)
    if most < share:
        # Rounded down, or it would read "by 15 %, only by 15 %".
        told = math.floor(max(most, 0.0) * TENTHS_OF_PERCENT) / TENTHS_OF_PERCENT
        raise ScanError(
            f"The lungs of {name} can't be made smaller by {share:.1%}, only by "
            f"{told:.1%}: the scan shows too little around them to give way."
        )
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if lost(middle) < share else (low, middle)
    return (low + high) / 2


def _most(breath: Breath, slices: int) -> float:
    """Return how many units of motion the scan takes before its content would fold."""
    amount = 0.25
    while amount < 8.0:
        following = amount * 1.25
        if breath.density(following, slice(0, slices), EVERY).min() < LEAST_DENSITY:
            break
        amount = following
    return amount


def _warp(
    hu: np.ndarray, lungs: np.ndarray, breath: Breath, amount: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scan, lung mask and density (how much more closely its content lies), (K, J, I)."""
    # Padding far below air would ring into the body, and stays where it is.
    padding = hu < PADDING_HU
    nodes = ndimage.spline_filter(np.where(padding, AIR_HU, hu), ORDER, output=np.float32)
    mask = lungs.astype(np.float32)
    low, high = float(hu[~padding].min()), float(hu.max())
    warped = hu.astype(np.float32)
    now, density = lungs.copy(), np.ones(hu.shape, np.float32)
    for start in range(0, len(hu), SLICES):
        some = slice(start, min(start + SLICES, len(hu)))
        moved = breath.moved(some) & ~padding[some]
        if not moved.any():
            continue
        where = [np.ascontiguousarray(part[moved]) for part in breath.sources(amount, some)]
        values = ndimage.map_coordinates(nodes, where, order=ORDER, mode="nearest", prefilter=False)
        warped[some][moved] = values.clip(low, high)
        now[some][moved] = ndimage.map_coordinates(mask, where, order=1, mode="nearest") >= 0.5
        density[some] = breath.density(amount, some)
    return warped, now, density


def _denser(
    hu: np.ndarray, warped: np.ndarray, lungs: np.ndarray, now: np.ndarray, density: np.ndarray
) -> np.ndarray:
    """Return the warped scan with the lungs' mass as before: what they hold lies more closely.

    Mass is (HU + 1000) per volume. Only aerated voxels grow denser (vessels are tissue, which keeps
    its density), and by as much more as the vessels then lack.
    """
    before = float((hu[lungs] - AIR_HU).sum(dtype=float))
    values = warped[now]
    aerated = np.clip((TISSUE_HU - values) / (TISSUE_HU - AERATED_HU), 0.0, 1.0)
    gain = (density[now] - 1.0) * (values - AIR_HU) * aerated
    lacking = before - float((values - AIR_HU).sum(dtype=float))
    added = float(gain.sum(dtype=float))
    factor = float(np.clip(lacking / added, *CORRECTION)) if added > 0 else 1.0
    warped[now] = values + factor * gain
    return warped
