"""What a scan may look like besides: kernel, noise, thick slices, contrast, haze, carved walls.

None of it changes what is where, so the labels stay: the network learns to look past it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from ...models.classifiers.findings_network import CUBE_MM
from ...scans.grid import GridSpec

CARVE_CHANCE, HAZE_CHANCE, LUCENT_CHANCE, THICK_CHANCE = 0.1, 0.1, 0.15, 0.1
BLUR_CHANCE, SHARPEN_CHANCE, FIRST_NOISE_CHANCE = 0.25, 0.25, 0.4
# What carved places are filled with, HU, and their radius, mm.
CARVED_HU, CARVED_MM, CARVED_COUNT = (-950.0, 250.0), (5.0, 24.0), (1, 6)
# Added to lung as a smooth field; where it is more than `HAZY_HU`, it may count as consolidation.
HAZE_HU, HAZY_HU, FIELD_NODES = 600.0, 120.0, (2, 4, 5)
# Taken from aerated lung likewise: emphysema is no free air.
LUCENT_HU, AERATED_BELOW_HU, LEAST_HU = 160.0, -700.0, -990.0
SHARPEN, BLUR = (0.3, 1.6), (0.3, 1.0)
# Of 6 mm voxels: a fifth of that of the prepared grid's. Standard deviation, HU, logarithmic; of
# smaller voxels more, by a power of their size that lies between that of smooth and of sharp noise.
NOISE_HU, NOISE_POWER = (1.0, 20.0), 1.2
SHIFT_HU, GAIN = 25.0, 0.04
LUNG_HU, LUNG_WIDTH_HU, LUNG_SHIFT_HU = -850.0, 180.0, 90.0
# Muscle and organs without contrast medium, and organs and vessels full of it.
PLAIN_TISSUE_HU, ENHANCED_HU, CONTRAST = 45.0, 250.0, (0.0, 1.4)


def disturb(
    hu: torch.Tensor, lung: torch.Tensor, taken: torch.Tensor, rng: np.random.Generator, mm: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a disturbed volume, HU within the window, and where haze may count as consolidation.

    Parameters
    ----------
    hu : torch.Tensor
        (1, 1, D, H, W).
    lung, taken : torch.Tensor
        Same shape, 0..1: lung's place; it and all findings.
    rng : numpy.random.Generator
        Draws everything.
    mm : float
        Size of a voxel.
    """
    hazy = torch.zeros_like(hu, dtype=torch.bool)
    if rng.random() < CARVE_CHANCE:
        hu = _carved(hu, taken, rng, mm)
    if rng.random() < HAZE_CHANCE:
        hu, hazy = _hazy(hu, lung, rng)
    if rng.random() < LUCENT_CHANCE:
        hu = _lucent(hu, lung, rng)
    near_lung = torch.exp(-(((hu - LUNG_HU) / LUNG_WIDTH_HU) ** 2))
    hu = hu + rng.uniform(-LUNG_SHIFT_HU, LUNG_SHIFT_HU) * near_lung
    enhanced = hu.clamp(PLAIN_TISSUE_HU, ENHANCED_HU) - PLAIN_TISSUE_HU
    hu = hu + (rng.uniform(*CONTRAST) - 1) * enhanced
    if rng.random() < THICK_CHANCE and hu.shape[2] >= 4:
        hu = _thick(hu, 2)
    if rng.random() < FIRST_NOISE_CHANCE:  # before the kernel: smooth or enhanced noise
        hu = hu + _noise(hu, rng, mm)
    chance = rng.random()
    if chance < BLUR_CHANCE + SHARPEN_CHANCE:
        kernel = (3, 3, 3) if rng.random() < 0.3 else (1, 3, 3)
        smooth = F.avg_pool3d(hu, kernel, 1, tuple(n // 2 for n in kernel), False, False)
        amount = -rng.uniform(*BLUR) if chance < BLUR_CHANCE else rng.uniform(*SHARPEN)
        hu = hu + amount * (hu - smooth)
    hu = hu + _noise(hu, rng, mm)
    hu = hu * (1 + rng.uniform(-GAIN, GAIN)) + rng.uniform(-SHIFT_HU, SHIFT_HU)
    window = GridSpec().window
    return hu.clamp(window.low_hu, window.high_hu), hazy


def _noise(hu: torch.Tensor, rng: np.random.Generator, mm: float) -> torch.Tensor:
    deviation = (
        float(np.exp(rng.uniform(*np.log(NOISE_HU)))) * (CUBE_MM["coarse"] / mm) ** NOISE_POWER
    )
    return deviation * torch.from_numpy(rng.standard_normal(tuple(hu.shape), dtype=np.float32))


def _carved(
    hu: torch.Tensor, taken: torch.Tensor, rng: np.random.Generator, mm: float
) -> torch.Tensor:
    """Fill balls outside the lungs and findings with anything: a hole in a wall is no lung."""
    free = ((taken < 0.02) & (hu > -300)).float()
    spots = torch.nonzero(free[0, 0])
    if not len(spots):
        return hu
    axes = [torch.arange(n, dtype=torch.float32) for n in hu.shape[2:]]
    for _ in range(rng.integers(*CARVED_COUNT)):
        k, j, i = spots[rng.integers(len(spots))].tolist()
        radius = rng.uniform(*CARVED_MM) / mm
        squares = [
            ((a - c) / (radius * rng.uniform(0.6, 1.4))) ** 2
            for a, c in zip(axes, (k, j, i), strict=True)
        ]
        distance = squares[0][:, None, None] + squares[1][:, None] + squares[2]
        cover = (1.5 - distance.sqrt() * 1.0).clamp(0, 1) * free
        hu = hu + rng.uniform(0.3, 1.0) * cover * (rng.uniform(*CARVED_HU) - hu)
    return hu


def _hazy(
    hu: torch.Tensor, lung: torch.Tensor, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add a smooth field of density to the lungs: lung all the same, perhaps consolidated."""
    haze = rng.uniform(0, HAZE_HU) * _field(hu, rng)
    haze = torch.minimum(haze, (60.0 - hu).clamp(min=0)) * lung
    return hu + haze, haze >= HAZY_HU


def _lucent(hu: torch.Tensor, lung: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Take a smooth field of density from aerated lung."""
    less = rng.uniform(0, LUCENT_HU) * _field(hu, rng) * lung * (hu < AERATED_BELOW_HU)
    return torch.maximum(hu - less, hu.clamp(max=LEAST_HU))


def _field(hu: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return a smooth random field, 0..1.5, zero in half of the volume."""
    nodes = torch.from_numpy(rng.standard_normal((1, 1, *FIELD_NODES), dtype=np.float32))
    return F.interpolate(nodes, hu.shape[2:], mode="trilinear", align_corners=True).clamp(0, 1.5)


def _thick(hu: torch.Tensor, slices: int) -> torch.Tensor:
    """Average slices, as a scan of thick ones has it."""
    thick = F.avg_pool3d(hu, (slices, 1, 1), ceil_mode=True, count_include_pad=False)
    return F.interpolate(thick, hu.shape[2:], mode="trilinear", align_corners=False)
