"""Random batches of painted examples: cut out, turned, partly painted; labels for each voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from ...models.classifiers.findings_network import CHANNELS, FINDINGS
from ...scans.hounsfield import AIR_HU
from .disturb import disturb
from .examples import Example

# Fields of view of a batch in voxels of 6 mm, (D, H, W), and how many of them make a batch: from a
# few slices of the whole body to a whole chest.
VIEWS = (
    ((8, 56, 72), 4),
    ((16, 56, 72), 3),
    ((24, 48, 64), 3),
    ((40, 56, 64), 2),
    ((56, 48, 64), 2),
    ((24, 32, 40), 6),
)
VIEWS_CHANCE = (0.12, 0.18, 0.2, 0.2, 0.15, 0.15)
# Where a view's centre lies: on a finding of the example this often, else anywhere in the lungs'
# box, moved by up to this share of the view.
ON_FINDING_CHANCE, MOVED_BY = 0.75, 0.25
ROTATION_DEG, SCALE, SCALE_ALONE = 10.0, 1.2, 1.1
# Prone patients, and scans whose front and back were mixed up.
BACK_TO_FRONT_CHANCE, UPSIDE_DOWN_CHANCE = 0.06, 0.0
# How much of a finding is painted: all of it, part, more (a denser one), or none. Below `SEEN` it
# is neither there nor not; a finding that pushes lung away is seen later.
WHOLE_CHANCE, PART_CHANCE, MORE_CHANCE = 0.75, 0.12, 0.08
SEEN = {finding: 0.3 for finding in FINDINGS} | {"pneumothorax": 0.4}
MOST = 1.5
# Of what a finding may be denser or lighter as a whole, HU (squared draw: mostly little).
DENSER_HU, LIGHTER_HU = 250.0, 60.0


@dataclass(frozen=True)
class Batch:
    """Volumes and what is known of their voxels.

    Parameters
    ----------
    hu : torch.Tensor
        (N, 1, D, H, W), HU within the window.
    wanted : torch.Tensor
        (N, C, D, H, W), 0..1, for each of `CHANNELS`.
    known : torch.Tensor
        (N, C, D, H, W), 0 or 1: where `wanted` is to be trusted.
    """

    hu: torch.Tensor
    wanted: torch.Tensor
    known: torch.Tensor


class BatchSampler:
    """Draw batches of examples by their weights, seeded."""

    def __init__(self, examples: list[Example], seed: int):
        self.rng = np.random.default_rng(seed)
        self.examples = examples
        weights = np.array([example.weight for example in examples])
        self.chances = weights / weights.sum()

    def batch(self) -> Batch:
        """Return some augmented volumes of one random field of view."""
        size, count = VIEWS[self.rng.choice(len(VIEWS), p=VIEWS_CHANCE)]
        drawn = [self._draw(size) for _ in range(count)]
        return Batch(*(torch.cat(part) for part in zip(*drawn, strict=True)))

    def _draw(self, size: tuple[int, int, int]) -> tuple[torch.Tensor, ...]:
        example = self.examples[self.rng.choice(len(self.examples), p=self.chances)]
        shares = {n: self._share() for n in range(len(example.patches))}
        grid = self._grid(example, size, shares)
        hu, lung, covers, unsure = _sampled(example, shares, grid)
        for patch in covers:
            shift = self.rng.uniform(-LIGHTER_HU, DENSER_HU) * self.rng.random()
            if patch != "pneumothorax":
                hu = hu + shift * covers[patch]
        wanted = torch.cat([lung] + [covers.get(name, torch.zeros_like(hu)) for name in FINDINGS])
        known = torch.ones_like(wanted)
        for name in example.source.unknown:  # of what the scan itself may hold
            number = CHANNELS.index(name)
            known[number] *= (wanted[number] > 0) | (lung[0] < 0.5)
        for name, mask in unsure.items():
            known[[0, CHANNELS.index(name)]] *= mask[0] < 0.01
        for name in ("effusion", "pneumothorax"):  # where they are, the lung is not
            wanted[0] *= 1 - wanted[CHANNELS.index(name)]
        hu, known = disturb(hu[None], wanted[None], known[None], self.rng)
        return hu, wanted[None], known

    def _share(self) -> float:
        chance, rng = self.rng.random(), self.rng
        if chance < WHOLE_CHANCE:
            return 1.0
        if chance < WHOLE_CHANCE + PART_CHANCE:
            return float(rng.uniform(0.0, 1.0) ** 0.5)  # rather more than less
        if chance < WHOLE_CHANCE + PART_CHANCE + MORE_CHANCE:
            return float(rng.uniform(1.0, MOST))
        return 0.0

    def _grid(
        self, example: Example, size: tuple[int, int, int], shares: dict[int, float]
    ) -> torch.Tensor:
        """Return sampling positions in voxels of the source, (D, H, W, 3), K, J, I order."""
        rng = self.rng
        turn = _rotation(np.deg2rad(rng.uniform(-ROTATION_DEG, ROTATION_DEG, 3)))
        zoom = np.exp(
            rng.uniform(-1, 1) * np.log(SCALE) + rng.uniform(-1, 1, 3) * np.log(SCALE_ALONE)
        )
        matrix = turn * zoom
        flips = (UPSIDE_DOWN_CHANCE, BACK_TO_FRONT_CHANCE, 0.5)
        matrix[:, [rng.random() < chance for chance in flips]] *= -1
        steps = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in size]
        points = torch.stack(torch.meshgrid(*steps, indexing="ij"), dim=-1)  # (D, H, W, 3)
        centre = self._centre(example, np.array(size), shares)
        return points @ torch.from_numpy(matrix.T).float() + torch.from_numpy(centre).float()

    def _centre(self, example: Example, size: np.ndarray, shares: dict[int, float]) -> np.ndarray:
        painted = [n for n, share in shares.items() if share]
        low, high = example.source.lung_box
        if painted and self.rng.random() < ON_FINDING_CHANCE:
            low, high = example.patches[painted[self.rng.integers(len(painted))]].limits
        spot = self.rng.uniform(low, high) + self.rng.uniform(-1, 1, 3) * MOVED_BY * size
        return np.clip(spot, 0, np.array(example.source.hu.shape) - 1)


def _sampled(
    example: Example, shares: dict[int, float], grid: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return HU, lung, covers by finding and covers that are unsure, each (1, D, H, W)."""
    shape = np.array(example.source.hu.shape)
    flat = grid.reshape(-1, 3)
    low = np.clip(flat.min(0).values.numpy().astype(int) - 1, 0, shape - 1)
    high = np.clip(flat.max(0).values.numpy().astype(int) + 2, low + 1, shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    hu = example.source.hu[box].astype(np.float32) - AIR_HU  # 0 is air, as outside the grid
    channels: list[np.ndarray] = [hu, example.source.lung[box].astype(np.float32) / 100]
    names: list[str] = []
    sure: list[bool] = []
    for number, share in shares.items():
        patch = example.patches[number]
        if share == 0:
            continue
        delta, cover = patch.within(box)
        hu += share * delta
        names.append(patch.finding)
        sure.append(share >= SEEN[patch.finding])
        channels.append(cover)
    stack = torch.from_numpy(np.stack(channels))[None]
    size = torch.from_numpy(high - low).float()
    unit = (2 * (grid - torch.from_numpy(low).float()) + 1) / size - 1  # grid_sample's -1..1
    got = F.grid_sample(stack, unit.flip(-1)[None], padding_mode="zeros", align_corners=False)[0]
    covers: dict[str, torch.Tensor] = {}
    unsure: dict[str, torch.Tensor] = {}
    for name, is_sure, cover in zip(names, sure, got[2:], strict=True):
        into = covers if is_sure else unsure
        into[name] = torch.maximum(into.get(name, torch.zeros_like(cover)[None]), cover[None])
    return got[:1] + AIR_HU, got[1:2], covers, unsure


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
