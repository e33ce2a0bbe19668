"""Random batches of the 6 mm examples: warped, of other fields of view, with other densities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from ...errors import SettingsError
from ...scans.grid import GridSpec
from ...scans.hounsfield import AIR_HU
from .augment_settings import AugmentSettings
from .examples import GENERATED, REAL, SITE_VOXEL_ML, Example

# Field of view of a batch in voxels of 6 mm, (D, H, W): from a few slices to a whole chest.
SLICES = (6, 12, 24, 36, 46)
SLICES_CHANCE = (0.1, 0.15, 0.2, 0.3, 0.25)
IN_PLANE = ((46, 60), (40, 52), (30, 36))
IN_PLANE_CHANCE = (0.6, 0.25, 0.15)
# A window hangs out of the volume by up to this share of its size; windows of a volume with fluid
# are centred near some this often, else most small ones would miss it.
OUT_BY, ON_FLUID_CHANCE = 0.1, 0.75
# A cut-out with less fluid than the first is free of it; between the two it has no label.
FREE_ML, EFFUSION_ML = 1.0, 8.0
LUNG_HU, LUNG_WIDTH_HU = -850.0, 180.0
# Muscle and organs without contrast medium, and organs and vessels full of it.
PLAIN_TISSUE_HU, ENHANCED_HU = 45.0, 250.0


@dataclass(frozen=True)
class Batch:
    """Volumes (N, 1, D, H, W) in 0..1, fluid of the same shape, and labels (N,): 1, 0 or nan."""

    x: torch.Tensor
    fluid: torch.Tensor
    label: torch.Tensor


class BatchSampler:
    """Draw batches: half with fluid, groups by share, scans evenly but for the size of a short one.

    Raises
    ------
    SettingsError
        If there is nothing to draw, with fluid or without.
    """

    def __init__(
        self,
        examples: list[Example],
        generated_share: float,
        seed: int,
        settings: AugmentSettings | None = None,
    ):
        self.settings = settings or AugmentSettings()
        self.rng = np.random.default_rng(seed)
        share = {REAL: 1.0 - generated_share, GENERATED: generated_share}
        self.pools = {}
        for positive in (True, False):
            pool = [e for e in examples if share[e.group] and (e.ml > FREE_ML) == positive]
            if not pool:
                raise SettingsError(
                    f"There is no example {'with' if positive else 'without'} fluid to draw: add "
                    f"scans with lungs, or generated chests with a share above 0."
                )
            self.pools[positive] = (pool, _chances(pool, share))

    def batch(self, size: int) -> Batch:
        """Return `size` augmented volumes of one random field of view."""
        rng = self.rng
        depth = int(rng.choice(SLICES, p=SLICES_CHANCE))
        height, width = IN_PLANE[rng.choice(len(IN_PLANE), p=IN_PLANE_CHANCE)]
        drawn = [self._example((depth, height, width)) for _ in range(size)]
        x, fluid = (torch.cat(part) for part in zip(*drawn, strict=True))
        ml = fluid.sum(dim=(1, 2, 3, 4)) * SITE_VOXEL_ML
        label = torch.full((size,), torch.nan)
        label[ml >= EFFUSION_ML], label[ml < FREE_ML] = 1.0, 0.0
        return Batch(x, fluid, label)

    def _example(self, size: tuple[int, int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        pool, chances = self.pools[self.rng.random() < 0.5]
        example = pool[self.rng.choice(len(pool), p=chances)]
        both = np.stack([example.hu.astype(np.float32) - AIR_HU, example.fluid.astype(np.float32)])
        source = torch.from_numpy(both)[None]  # (1, 2, K, J, I); 0 is air, as outside the grid
        moved = F.grid_sample(
            source, self._grid(example, size), padding_mode="zeros", align_corners=False
        )
        hu, fluid = moved[:, :1] + AIR_HU, moved[:, 1:]
        if self.rng.random() < self.settings.dense_chance:
            # Squared: most of it near muscle and organs, where density would tempt most.
            hu = hu + self.settings.dense_hu * self.rng.random() ** 2 * fluid
        return self._intensity(hu), fluid

    def _grid(self, example: Example, size: tuple[int, int, int]) -> torch.Tensor:
        """Return sampling positions (1, D, H, W, 3) in grid_sample's -1..1, (x, y, z) order."""
        s, rng = self.settings, self.rng
        shape = np.array(example.hu.shape)
        turn = _rotation(np.deg2rad(rng.uniform(-s.rotation_deg, s.rotation_deg, 3)))
        zoom = np.exp(rng.uniform(-1, 1, 3) * np.log(s.scale) * 0.5)
        zoom *= np.exp(rng.uniform(-1, 1) * np.log(s.scale) * 0.5)
        matrix = turn * zoom
        if rng.random() < 0.5:
            matrix[:, 2] *= -1  # mirrored left to right
        steps = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in size]
        points = torch.stack(torch.meshgrid(*steps, indexing="ij"), dim=-1)  # (D, H, W, 3)
        centre = self._centre(example, np.array(size))
        points = points @ torch.from_numpy(matrix.T).float() + torch.from_numpy(centre).float()
        grid = (2 * points + 1) / torch.from_numpy(shape).float() - 1
        nodes = rng.normal(0, s.warp / 2, (1, 3, *(s.warp_nodes,) * 3))
        field = F.interpolate(
            torch.from_numpy(nodes).float(), size, mode="trilinear", align_corners=True
        )
        grid = grid + field[0].permute(1, 2, 3, 0)  # (3, D, H, W) -> (D, H, W, 3)
        return grid.flip(-1)[None]

    def _centre(self, example: Example, size: np.ndarray) -> np.ndarray:
        """Draw a window's centre, (3,): mostly within the volume; where there is fluid, on some."""
        shape = np.array(example.hu.shape)
        slack = np.abs(shape - size) / 2 + OUT_BY * size
        offset = self.rng.uniform(-slack, slack)
        wet = np.argwhere(example.fluid > 0)
        if len(wet) and self.rng.random() < ON_FLUID_CHANCE:
            spot = wet[self.rng.integers(len(wet))] - (shape - 1) / 2
            offset = (spot + self.rng.uniform(-0.4, 0.4, 3) * size).clip(-slack, slack)
        return (shape - 1) / 2 + offset

    def _intensity(self, hu: torch.Tensor) -> torch.Tensor:
        s, rng = self.settings, self.rng
        if rng.random() < s.blur_chance:
            smooth = F.avg_pool3d(hu, 3, stride=1, padding=1, count_include_pad=False)
            hu = hu + rng.uniform(0, 0.7) * (smooth - hu)
        lung = torch.exp(-(((hu - LUNG_HU) / LUNG_WIDTH_HU) ** 2))
        hu = hu + rng.uniform(-s.lung_shift_hu, s.lung_shift_hu) * lung
        enhanced = hu.clamp(PLAIN_TISSUE_HU, ENHANCED_HU) - PLAIN_TISSUE_HU
        hu = hu + (rng.uniform(*s.contrast) - 1) * enhanced
        hu = hu * (1 + rng.uniform(-s.gain, s.gain)) + rng.uniform(-s.shift_hu, s.shift_hu)
        noise = rng.standard_normal(hu.shape, dtype=np.float32) * rng.uniform(0, s.noise_hu)
        return GridSpec().window.to_unit(hu + torch.from_numpy(noise))


def _chances(pool: list[Example], share: dict[str, float]) -> np.ndarray:
    """Each group by its share; in it each scan by the root of its slices, evenly over variants."""
    variants = {e.source: 0 for e in pool}
    for example in pool:
        variants[example.source] += 1
    weights = np.array([len(e.hu) ** 0.5 / variants[e.source] for e in pool])
    for group, part in share.items():
        of_group = np.array([e.group == group for e in pool])
        total = weights[of_group].sum()
        weights[of_group] *= part / total if total else 0.0
    return weights / weights.sum()


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Return the product of rotations about the three axes (3, 3), angles in radians."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = (n for n in range(3) if n != axis)
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix
