"""Random crops and augmentation of training slices: pure function of a seeded generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from ..checked import check_limits, take_types
from ..limits import COUNT, FRACTION, POSITIVE, Limit
from .slices import SliceStack

# A smooth field needs two points along each axis at least.
WARP_NODES = Limit(2)


@dataclass(frozen=True)
class AugmentSettings:
    """Ranges of the random transforms; one patient must stand for many, so they are wide.

    Parameters
    ----------
    rotation_deg, scale, stretch : float
        In-plane rotation (+-), zoom (1/scale..scale), and additional zoom of one axis alone.
    warp_px, warp_nodes : float, int
        Standard deviation of a smooth displacement field, and its control points per side.
    noise_hu, shift_hu, gain : float
        Greatest noise, greatest offset and greatest relative gain of intensities.
    blur_probability : float
        Share of examples blurred as by a smoother reconstruction kernel.
    """

    rotation_deg: float = 15.0
    scale: float = 1.35
    stretch: float = 1.15
    warp_px: float = 4.0
    warp_nodes: int = 4
    noise_hu: float = 25.0
    shift_hu: float = 15.0
    gain: float = 0.06
    blur_probability: float = 0.25
    mirror_probability: float = 0.5

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(
            self,
            rotation_deg=COUNT,
            scale=POSITIVE,
            stretch=POSITIVE,
            warp_px=COUNT,
            warp_nodes=WARP_NODES,
            noise_hu=COUNT,
            shift_hu=COUNT,
            gain=FRACTION,
            blur_probability=FRACTION,
            mirror_probability=FRACTION,
        )


class CropSampler:
    """Draw augmented batches of square crops from slice stacks.

    Parameters
    ----------
    stacks : list of SliceStack
        What to draw from, by weight.
    crop : int
        Side of a crop in pixels.
    seed : int
        Seed of everything random here.
    """

    def __init__(
        self,
        stacks: list[SliceStack],
        crop: int,
        seed: int,
        settings: AugmentSettings | None = None,
    ):
        self.stacks = stacks
        self.crop = crop
        self.settings = settings or AugmentSettings()
        self.rng = np.random.default_rng(seed)
        weights = np.array([stack.weight for stack in stacks], dtype=float)
        self.chances = weights / weights.sum()

    def batch(self, size: int) -> torch.Tensor:
        """Return `size` crops: (N, 1, crop, crop), float32, 0..1."""
        return torch.cat([self._example() for _ in range(size)])

    def _example(self) -> torch.Tensor:
        stack = self.stacks[self.rng.choice(len(self.stacks), p=self.chances)]
        image = stack.slices[self.rng.integers(len(stack.slices))]
        source = torch.from_numpy(image.astype(np.float32))[None, None]  # (1, 1, H, W)
        crop = F.grid_sample(
            source,
            self._grid(*image.shape),
            mode="bilinear",
            padding_mode="zeros",
            align_corners=False,
        )
        return self._intensity(crop)

    def _grid(self, height: int, width: int) -> torch.Tensor:
        """Return sampling positions (1, crop, crop, 2) in grid_sample's -1..1 convention."""
        s, rng = self.settings, self.rng
        angle = np.deg2rad(rng.uniform(-s.rotation_deg, s.rotation_deg))
        zoom = np.exp(rng.uniform(-1, 1) * np.log(s.scale))
        stretch = np.exp(rng.uniform(-1, 1) * np.log(s.stretch))
        half = self.crop / 2
        steps = torch.arange(self.crop, dtype=torch.float32) - half + 0.5
        rows, columns = torch.meshgrid(
            steps * zoom * stretch, steps * zoom / stretch, indexing="ij"
        )
        if rng.random() < s.mirror_probability:
            columns = -columns
        field = torch.from_numpy(rng.normal(0, s.warp_px, (1, 2, s.warp_nodes, s.warp_nodes)))
        field = F.interpolate(
            field.float(), size=(self.crop, self.crop), mode="bicubic", align_corners=True
        )[0]
        # The centre keeps most of the crop within the image: at most a quarter of it may hang out.
        reach = half / 2
        centre_row = rng.uniform(min(reach, height / 2), max(height - reach, height / 2))
        centre_column = rng.uniform(min(reach, width / 2), max(width - reach, width / 2))
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        y = centre_row + cos * rows - sin * columns + field[0]
        x = centre_column + sin * rows + cos * columns + field[1]
        return torch.stack([2 * x / width - 1, 2 * y / height - 1], dim=-1)[None]

    def _intensity(self, crop: torch.Tensor) -> torch.Tensor:
        s, rng = self.settings, self.rng
        hu = 1 / 2000.0  # one HU in units of the 0..1 window
        if rng.random() < s.blur_probability:
            crop = F.avg_pool2d(crop, 3, stride=1, padding=1, count_include_pad=False)
        gain = 1 + rng.uniform(-s.gain, s.gain)
        crop = crop * gain + rng.uniform(-s.shift_hu, s.shift_hu) * hu
        noise = rng.standard_normal(crop.shape, dtype=np.float32) * rng.uniform(0, s.noise_hu) * hu
        return (crop + torch.from_numpy(noise)).clamp(0, 1)
