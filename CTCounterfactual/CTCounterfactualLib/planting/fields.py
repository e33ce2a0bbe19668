"""Fields over a box of voxels: local means, random waves, the level around a volume, soft edges."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

Spacing = tuple[float, float, float]

# Waves are drawn on a grid this fine (share of their length) and interpolated from there.
NODES_PER_WAVE = 3.0
# Each octave of waves is half as long as the one before.
OCTAVE = 0.5
# A local mean of sigma s is formed from every n-th voxel, n steps being at most this share of s.
MEAN_STEP = 0.4
# The level around a volume is found to this part of the field's range.
LEVEL_BINS, LEVEL_BISECTIONS = 4096, 40


def positions(shape: tuple[int, ...], spacing: Spacing) -> tuple[np.ndarray, ...]:
    """Return the place of voxels along K, J and I, mm, each in a shape that broadcasts."""
    k, j, i = (
        np.arange(n, dtype=np.float32) * np.float32(s)
        for n, s in zip(shape, spacing[::-1], strict=True)
    )
    return k[:, None, None], j[None, :, None], i[None, None, :]


def distance_to(
    shape: tuple[int, ...], spacing: Spacing, centre: tuple[float, float, float]
) -> np.ndarray:
    """Return each voxel's distance to a point (K, J, I; mm within the box), mm."""
    k, j, i = positions(shape, spacing)
    return np.sqrt((k - centre[0]) ** 2 + (j - centre[1]) ** 2 + (i - centre[2]) ** 2)


def local_mean(
    values: np.ndarray, where: np.ndarray, sigma_mm: float, spacing: Spacing, otherwise: float
) -> np.ndarray:
    """Return the Gaussian mean of `values` over the voxels `where`, (K, J, I) float32.

    Far from any of those voxels it fades to `otherwise`.
    """
    steps = [max(1, int(MEAN_STEP * sigma_mm / s)) for s in spacing[::-1]]
    few = tuple(slice(None, None, n) for n in steps)
    sigma = [sigma_mm / (s * n) for s, n in zip(spacing[::-1], steps, strict=True)]
    weight = ndimage.gaussian_filter(where[few].astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(where[few], values[few], 0).astype(np.float32), sigma)
    faint = 1e-3
    return spread((total + faint * otherwise) / (weight + faint), steps, values.shape)


def spread(few: np.ndarray, steps: list[int], shape: tuple[int, ...]) -> np.ndarray:
    """Interpolate linearly between every n-th voxel, (K, J, I) float32."""
    if max(steps) == 1:
        return few[tuple(slice(n) for n in shape)].astype(np.float32)
    return ndimage.affine_transform(
        few,
        [1.0 / n for n in steps],
        output_shape=shape,
        order=1,
        mode="nearest",
        output=np.float32,
    )


def waves(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    spacing: Spacing,
    length_mm: float,
    octaves: int = 1,
    roughness: float = 0.5,
) -> np.ndarray:
    """Return a smooth random field of about unit deviation, (K, J, I) float32.

    Parameters
    ----------
    length_mm : float
        Distance between independent values.
    octaves, roughness : int, float
        Fields of half the length each that are added, and how strong each is beside the one before.
    """
    total = np.zeros(shape, np.float32)
    power = 0.0
    for octave in range(octaves):
        strength = roughness**octave
        total += strength * _one_wave(rng, shape, spacing, length_mm * OCTAVE**octave)
        power += strength**2
    return total / np.float32(np.sqrt(power))


def _one_wave(
    rng: np.random.Generator, shape: tuple[int, ...], spacing: Spacing, length_mm: float
) -> np.ndarray:
    node = length_mm / NODES_PER_WAVE
    steps = [max(1, int(node / s)) for s in spacing[::-1]]
    coarse = [-(-n // step) + 1 for n, step in zip(shape, steps, strict=True)]
    # In steps: sigma of half the length makes values a length apart nearly independent.
    sigma = [0.5 * length_mm / (step * s) for step, s in zip(steps, spacing[::-1], strict=True)]
    nodes = ndimage.gaussian_filter(
        rng.standard_normal(coarse, dtype=np.float32), sigma, mode="wrap"
    )
    # Known, not measured: the deviation of a small box's few values is chance.
    deviation = np.prod([_left_of_white(s) for s in sigma])
    return spread(nodes / np.float32(deviation), steps, shape)


def _left_of_white(sigma: float) -> float:
    """Return the deviation that a Gaussian filter of this sigma leaves of unit white noise."""
    reach = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    kernel /= kernel.sum()
    return float(np.sqrt((kernel**2).sum()))


def level_around(
    depth: np.ndarray, weight: np.ndarray, ml: float, voxel_ml: float, edge_mm: float
) -> float:
    """Return the level of `depth` above which, with a soft edge, the weights sum to `ml`.

    Parameters
    ----------
    weight : numpy.ndarray
        (K, J, I), 0..1: how much of each voxel counts.
    edge_mm : float
        As for `above_level`.
    """
    inside = weight > 0
    values, parts = depth[inside], weight[inside].astype(np.float32)
    count, edges = np.histogram(values, bins=LEVEL_BINS, weights=parts)
    held, middles = count * voxel_ml, (edges[:-1] + edges[1:]) / 2
    low, high = edges[0] - edge_mm, edges[-1] + edge_mm
    for _ in range(LEVEL_BISECTIONS):
        level = (low + high) / 2
        above = float((held * above_level(middles, level, edge_mm)).sum())
        low, high = (level, high) if above > ml else (low, level)
    return float((low + high) / 2)


def above_level(depth: np.ndarray, level: float, edge_mm: float) -> np.ndarray:
    """Return how much of each voxel lies above a level, 0..1, blending over `edge_mm`."""
    return np.clip((depth - level) / np.float32(edge_mm) + 0.5, 0.0, 1.0)
