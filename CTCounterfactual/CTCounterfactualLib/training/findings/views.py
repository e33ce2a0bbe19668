"""Which part of an example is looked at: whole chests, slabs and details, turned and bent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional as F

from ...models.classifiers.findings_network import CUBE_MM, NAMES
from ...models.classifiers.sites_unet import SITE
from .examples import Example

ROTATION_DEG, SCALE, SCALE_ALONE = 12.0, 1.25, 1.12
# Scans whose front and back were mixed up; left and right are a mirror's of each other.
BACK_TO_FRONT_CHANCE, LEFT_TO_RIGHT_CHANCE = 0.06, 0.5
# Chests of other shapes: a smooth random shift of places, mm, and of how many nodes.
BENT_CHANCE, BENT_MM, BENT_NODES = 0.5, 6.0, (3, 4, 4)
# Where a detail's centre lies: on a finding of the example this often, else anywhere in the lungs'
# box, moved by up to this share of the view.
ON_FINDING_CHANCE, MOVED_BY = 0.75, 0.25
# A whole chest's centre is moved by up to this share of the view, (K, J, I), or now and then by
# more: the scan begins or ends in it, or air and table are cut off.
WHOLE_MOVED_BY, WHOLE_MOVED_FAR, FAR_CHANCE = (0.1, 0.05, 0.05), (0.5, 0.25, 0.25), 0.3


@dataclass(frozen=True)
class View:
    """A field of view of (D, H, W) voxels; a batch has `count` of it.

    whole: it shows the whole chest, as far as it reaches; else a detail.
    """

    size: tuple[int, int, int]
    count: int
    whole: bool

    def within(self, slices: int) -> View:
        """Return the view of a scan of so many slices: none deeper, in whole sites."""
        depth = min(self.size[0], max(SITE, slices // SITE * SITE))
        return replace(self, size=(depth, *self.size[1:]))


@dataclass(frozen=True)
class Looks:
    """What a network is shown: cubes of `mm`, its outputs' names, views and how often.

    shown: of the examples drawn, the share of those with a finding of these names in them.
    parts: how many of its views show all lungs.
    """

    mm: float
    names: tuple[str, ...]
    views: tuple[View, ...]
    chances: tuple[float, ...]
    shown: float
    parts: float

    @property
    def voxel_ml(self) -> float:
        """Volume of a cube."""
        return self.mm**3 * 1e-3

    def draw(self, rng: np.random.Generator) -> View:
        """Draw a view."""
        return self.views[rng.choice(len(self.views), p=self.chances)]


COARSE_LOOKS = Looks(
    CUBE_MM["coarse"],
    NAMES["coarse"],
    (
        View((48, 48, 64), 2, True),
        View((56, 56, 72), 1, True),
        View((24, 48, 64), 3, True),
        View((8, 48, 64), 6, True),
        View((24, 32, 40), 6, False),
    ),
    (0.45, 0.15, 0.15, 0.1, 0.15),
    0.8,
    1.0,
)
# Nodules are small: where few examples hold one, nothing is learned but that there are none.
FINE_LOOKS = Looks(
    CUBE_MM["fine"],
    NAMES["fine"],
    (View((24, 32, 32), 8, False), View((8, 56, 56), 6, False)),
    (0.8, 0.2),
    0.8,
    10.0,
)


def grid_of(
    view: View,
    example: Example,
    limits: list[tuple[tuple[float, ...], tuple[float, ...]]],
    rng: np.random.Generator,
    mm: float,
) -> torch.Tensor:
    """Return sampling positions in voxels of the source, (D, H, W, 3), K, J, I order.

    limits: first and last voxel of each finding that may be the centre of a detail.
    """
    turn = _rotation(np.deg2rad(rng.uniform(-ROTATION_DEG, ROTATION_DEG, 3)))
    zoom = np.exp(rng.uniform(-1, 1) * np.log(SCALE) + rng.uniform(-1, 1, 3) * np.log(SCALE_ALONE))
    matrix = turn * zoom
    flips = (0.0, BACK_TO_FRONT_CHANCE, LEFT_TO_RIGHT_CHANCE)
    matrix[:, [rng.random() < chance for chance in flips]] *= -1
    steps = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in view.size]
    points = torch.stack(torch.meshgrid(*steps, indexing="ij"), dim=-1)  # (D, H, W, 3)
    centre = _centre(view, example, limits, rng)
    grid = points @ torch.from_numpy(matrix.T).float() + torch.from_numpy(centre).float()
    if rng.random() < BENT_CHANCE:
        nodes = rng.standard_normal((1, 3, *BENT_NODES), dtype=np.float32) * BENT_MM / mm
        bent = F.interpolate(
            torch.from_numpy(nodes), view.size, mode="trilinear", align_corners=True
        )
        grid = grid + bent[0].permute(1, 2, 3, 0)
    # Beyond its ends a scan goes on as it ended; beside it there is air.
    grid[..., 0].clamp_(0, example.source.hu.shape[0] - 1)
    return grid


def _centre(
    view: View,
    example: Example,
    limits: list[tuple[tuple[float, ...], tuple[float, ...]]],
    rng: np.random.Generator,
) -> np.ndarray:
    size, shape = np.array(view.size), np.array(example.source.hu.shape)
    low, high = example.source.lung_box
    if view.whole:
        moved = WHOLE_MOVED_FAR if rng.random() < FAR_CHANCE else WHOLE_MOVED_BY
        spot = np.mean((low, high), axis=0) + rng.uniform(-1, 1, 3) * moved * size
    else:
        if limits and rng.random() < ON_FINDING_CHANCE:
            low, high = limits[rng.integers(len(limits))]
        spot = rng.uniform(low, high) + rng.uniform(-1, 1, 3) * MOVED_BY * size
    spot = np.clip(spot, 0, shape - 1)
    half = (size[0] - 1) / 2  # a view that fits into the scan's slices stays within them
    if 2 * half <= shape[0] - 1:
        spot[0] = np.clip(spot[0], half, shape[0] - 1 - half)
    return spot


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
