"""Paint the fluid that the effusion demo learned: a dependent crescent with a meniscus and noise.

Random parameters (`draw_fluid`) and the painting (`paint_fluid`) are apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .pleura import PleuralSpace

# Effusions are transudates and exudates of about water's density.
FLUID_HU = (0.0, 25.0)
# Compressed lung beside the fluid still holds some air.
ATELECTASIS_HU = -250.0
# At most this share of a lung's place is filled, so that aerated lung stays.
LARGEST_SHARE = 0.55
# Lung borders are mixed with wall over about this width; painted fluid closes it or leaves a line.
SEAMS_MM = (0.0, 1.6, 3.2)
# In-plane correlation of CT noise (sigma), mm.
NOISE_GRAIN_MM = 1.0


@dataclass(frozen=True)
class Fluid:
    """How one hemithorax is filled.

    Parameters
    ----------
    ml : float
        Volume that takes the place of lung.
    hu : float
        Density.
    direction : tuple of float
        (K, J, I): where "down" is; see `PleuralSpace.depth`.
    meniscus_mm : float
        How far it climbs along the pleura.
    ripple_mm, ripple_seed : float, int
        Standard deviation of a smooth waviness of its surface, and its seed.
    edge_mm : float
        Width over which it blends into lung.
    seam_mm : float
        How far beyond the lung's border mixed voxels become fluid too.
    collapse_mm : float
        Thickness of the compressed lung beside it; 0 for none.
    """

    ml: float
    hu: float = 10.0
    direction: tuple[float, float, float] = (-0.22, -1.0, 0.0)
    meniscus_mm: float = 26.0
    ripple_mm: float = 0.0
    ripple_seed: int = 0
    edge_mm: float = 2.5
    seam_mm: float = 1.6
    collapse_mm: float = 0.0


def draw_fluid(rng: np.random.Generator, ml: float) -> Fluid:
    """Draw the shape and density of an effusion of this volume in a supine patient."""
    return Fluid(
        ml=ml,
        hu=float(rng.uniform(*FLUID_HU)),
        direction=(-rng.uniform(0.05, 0.45), -1.0, rng.uniform(-0.2, 0.2)),
        meniscus_mm=float(rng.uniform(8.0, 40.0)),
        ripple_mm=float(rng.uniform(0.0, 5.0)),
        ripple_seed=int(rng.integers(2**31)),
        edge_mm=float(rng.uniform(1.5, 5.0)),
        seam_mm=float(rng.choice(SEAMS_MM)),
        collapse_mm=float(rng.choice([0.0, rng.uniform(4.0, 25.0)])),
    )


def paint_fluid(hu: np.ndarray, space: PleuralSpace, fluid: Fluid, noise_hu: float) -> np.ndarray:
    """Paint fluid into `hu` (K, J, I of the whole scan, float32, HU) in place.

    Parameters
    ----------
    noise_hu : float
        Standard deviation of the scan's noise (`noise_of`), which the fluid gets too.

    Returns
    -------
    numpy.ndarray
        (K, J, I) of the space's box, float32, 0..1: how much of each voxel is fluid.
    """
    part = hu[space.box]
    rng = np.random.default_rng(fluid.ripple_seed)
    depth = space.depth(fluid.direction, fluid.meniscus_mm)
    depth += fluid.ripple_mm * _smooth_field(rng, depth.shape)
    level = _level(depth, space, min(fluid.ml, LARGEST_SHARE * space.ml))
    cover = np.clip((depth - level) / fluid.edge_mm + 0.5, 0.0, 1.0)
    filled = fluid.hu + noise_hu * _grain(rng, depth.shape, space.spacing)
    if fluid.collapse_mm:
        near = np.clip(1.0 + (depth - level) / fluid.collapse_mm, 0.0, 1.0) ** 2
        near *= space.lung & (part < ATELECTASIS_HU)
        part += near * (ATELECTASIS_HU - part)
    # Beyond the lung's border only voxels darker than fluid change: those mixed with air, and fat.
    seam = (space.outside > 0) & (space.outside <= fluid.seam_mm) & (part < fluid.hu)
    cover *= space.lung | seam
    part += cover * (filled - part)
    return (cover * space.lung).astype(np.float32)


def _level(depth: np.ndarray, space: PleuralSpace, ml: float) -> float:
    """Return the depth below which `ml` of the lung's place lies."""
    inside = np.sort(depth[space.lung])[::-1]
    count = min(max(round(ml / space.voxel_ml), 1), len(inside))
    return float(inside[count - 1])


def _smooth_field(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return a smooth random field of unit deviation: 4 control points along each axis."""
    points = rng.standard_normal((4, 4, 4)).astype(np.float32)
    zoom = [n / 4 for n in shape]
    return ndimage.zoom(points, zoom, order=1, grid_mode=True, mode="nearest")


def _grain(
    rng: np.random.Generator, shape: tuple[int, ...], spacing: tuple[float, float, float]
) -> np.ndarray:
    """Return noise of unit deviation, correlated in plane."""
    white = rng.standard_normal(shape, dtype=np.float32)
    sigma = (0.0, NOISE_GRAIN_MM / spacing[1], NOISE_GRAIN_MM / spacing[0])
    noise = ndimage.gaussian_filter(white, sigma)
    return noise / max(float(noise.std()), 1e-6)
