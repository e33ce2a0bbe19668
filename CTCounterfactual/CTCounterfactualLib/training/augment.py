"""Random crops and augmentation of training slices: a function of a seed and a number."""

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
# Noise is cut from a pool at a random place, and its sign is random: drawn anew for each crop it
# would take as long as everything else together.
NOISE_POOL = 1 << 20


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
    """Draw augmented square crops from slice stacks: each is a function of seed and number alone.

    So any process can draw any part of a batch, and a training goes on anywhere.

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
        self.seed, self.number = seed, 0
        weights = np.array([stack.weight for stack in stacks], dtype=float)
        self._up_to = np.cumsum(weights) / weights.sum()
        self._steps = np.arange(crop, dtype=np.float32) - crop / 2 + 0.5
        self._between = _between(self.settings.warp_nodes, crop)
        pool = max(NOISE_POOL, 2 * crop**2)
        self._noise = np.random.default_rng(seed).standard_normal(pool, dtype=np.float32)

    def batch(self, size: int) -> torch.Tensor:
        """Return the next `size` crops: (N, 1, crop, crop), float32, 0..1."""
        self.number += size
        return self.crops(range(self.number - size, self.number))

    def crops(self, numbers: range) -> torch.Tensor:
        """Return crops by their numbers: (N, 1, crop, crop), float32, 0..1."""
        made = torch.empty(len(numbers), 1, self.crop, self.crop)
        for place, number in enumerate(numbers):
            # Philox is a function of key and counter; a generator of it is made in microseconds.
            rng = np.random.Generator(np.random.Philox(key=[self.seed, number]))
            made[place, 0] = self._example(rng)
        return made

    def _example(self, rng: np.random.Generator) -> torch.Tensor:
        which = int(np.searchsorted(self._up_to, rng.random(), side="right"))
        slices = self.stacks[min(which, len(self.stacks) - 1)].slices
        image = slices[int(rng.integers(len(slices)))]
        y, x = self._places(image.shape[0], image.shape[1], rng)
        # Only what the crop reaches is turned into float32: a tenth of a large slice.
        top, left = (max(0, int(np.floor(part.min() - 0.5))) for part in (y, x))
        bottom, right = (int(np.ceil(part.max())) + 2 for part in (y, x))
        box = np.asarray(image[top:bottom, left:right], dtype=np.float32)
        height, width = box.shape
        if not box.size:
            return torch.zeros(self.crop, self.crop)
        # grid_sample's -1..1 convention
        grid = np.stack(
            [2 * (x - left) / width - 1, 2 * (y - top) / height - 1], axis=-1, dtype=np.float32
        )
        crop = F.grid_sample(
            torch.from_numpy(box)[None, None],  # (1, 1, H, W)
            torch.from_numpy(grid)[None],
            mode="bilinear",
            padding_mode="zeros",
            align_corners=False,
        )
        return self._intensity(crop, rng)[0, 0]

    def _places(
        self, height: int, width: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and columns (crop, crop) of the slice, in pixels from its corner."""
        s = self.settings
        angle = np.deg2rad(rng.uniform(-s.rotation_deg, s.rotation_deg))
        zoom = np.exp(rng.uniform(-1, 1) * np.log(s.scale))
        stretch = np.exp(rng.uniform(-1, 1) * np.log(s.stretch))
        rows, columns = self._steps[:, None] * zoom * stretch, self._steps[None] * zoom / stretch
        if rng.random() < s.mirror_probability:
            columns = -columns
        nodes = rng.standard_normal((2, s.warp_nodes, s.warp_nodes), dtype=np.float32) * s.warp_px
        bent = self._between @ nodes @ self._between.T  # (2, crop, crop)
        # The centre keeps most of the crop within the image: at most a quarter of it may hang out.
        reach = self.crop / 4
        centre_row = rng.uniform(min(reach, height / 2), max(height - reach, height / 2))
        centre_column = rng.uniform(min(reach, width / 2), max(width - reach, width / 2))
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        y = cos * rows - sin * columns + bent[0] + np.float32(centre_row)
        x = sin * rows + cos * columns + bent[1] + np.float32(centre_column)
        return y, x

    def _intensity(self, crop: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        s = self.settings
        hu = 1 / 2000.0  # one HU in units of the 0..1 window
        if rng.random() < s.blur_probability:
            crop = F.avg_pool2d(crop, 3, stride=1, padding=1, count_include_pad=False)
        crop *= 1 + rng.uniform(-s.gain, s.gain)
        crop += rng.uniform(-s.shift_hu, s.shift_hu) * hu
        noisy, count = rng.uniform(-s.noise_hu, s.noise_hu) * hu, crop.numel()
        first = int(rng.integers(len(self._noise) - count + 1))
        noise = torch.from_numpy(self._noise[first : first + count]).view_as(crop)
        return crop.add_(noise, alpha=noisy).clamp_(0, 1)


def _between(nodes: int, size: int) -> np.ndarray:
    """Return how much each node of a smooth line counts at each of `size` points (size, nodes).

    Cubic, the first node at the first point and the last at the last one.
    """
    line = torch.eye(nodes)[:, None]  # each row one node alone: (nodes, 1, nodes)
    image = line[:, :, None].expand(-1, -1, 2, -1)
    wide = F.interpolate(image, size=(2, size), mode="bicubic", align_corners=True)
    return np.ascontiguousarray(wide[:, 0, 0].T.numpy())
