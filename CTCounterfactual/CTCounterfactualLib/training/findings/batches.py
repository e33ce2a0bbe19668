"""Random batches of painted examples: cut out, turned, partly painted; labels for each voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from ...models.classifiers.findings_network import FINDINGS
from ...scans.hounsfield import AIR_HU
from .disturb import disturb
from .examples import Example
from .views import Looks, View, grid_of

# How much of a finding is painted: all of it, part, more (a denser one), or none. Below `SEEN` it
# is neither there nor not; a finding that pushes lung away is seen later.
WHOLE_CHANCE, PART_CHANCE, MORE_CHANCE = 0.75, 0.12, 0.08
SEEN = {finding: 0.3 for finding in FINDINGS} | {"pneumothorax": 0.4}
MOST = 1.5
# Of what a finding may be denser or lighter as a whole, HU (squared draw: mostly little).
DENSER_HU, LIGHTER_HU = 250.0, 60.0
# Of a batch, examples that are too short for its view are drawn again this often.
DRAWS = 20


@dataclass(frozen=True)
class Batch:
    """Volumes and what is known of their voxels.

    Parameters
    ----------
    hu : torch.Tensor
        (N, 1, D, H, W), HU within the window.
    wanted : torch.Tensor
        (N, C, D, H, W), 0..1, for each name of the sampler's looks.
    known : torch.Tensor
        (N, C, D, H, W), 0 or 1: where `wanted` is to be trusted.
    """

    hu: torch.Tensor
    wanted: torch.Tensor
    known: torch.Tensor


class BatchSampler:
    """Draw batches of examples by their weights, seeded.

    Parameters
    ----------
    examples : list of Example
        In cubes of the size that `looks` are of.
    looks : Looks
        Which parts of them are looked at, and for what.
    """

    def __init__(self, examples: list[Example], looks: Looks, seed: int):
        self.rng = np.random.default_rng(seed)
        self.examples, self.looks = examples, looks
        self.chances = _chances(examples, looks)

    def batch(self) -> Batch:
        """Return some augmented volumes of one random field of view."""
        view = self.looks.draw(self.rng)
        first = self._example()
        view = view.within(first.source.hu.shape[0])
        drawn = [self._draw(first, view)]
        drawn += [self._draw(self._example(view.size[0]), view) for _ in range(view.count - 1)]
        return Batch(*(torch.cat(part) for part in zip(*drawn, strict=True)))

    def _example(self, slices: int = 0) -> Example:
        """Draw an example of so many slices at least, if there is one soon."""
        for _ in range(DRAWS):
            example = self.examples[self.rng.choice(len(self.examples), p=self.chances)]
            if example.source.hu.shape[0] >= slices:
                break
        return example

    def _draw(self, example: Example, view: View) -> tuple[torch.Tensor, ...]:
        shares = {n: self._share() for n in range(len(example.patches))}
        shown = [example.patches[n] for n, share in shares.items() if share]
        grid = grid_of(
            view,
            example,
            [p.limits for p in shown if p.finding in self.looks.names],
            self.rng,
            self.looks.mm,
        )
        hu, lung, covers, unsure = _sampled(example, shares, grid)
        for patch in covers:
            shift = self.rng.uniform(-LIGHTER_HU, DENSER_HU) * self.rng.random()
            if patch != "pneumothorax":
                hu = hu + shift * covers[patch]
        for name in ("effusion", "pneumothorax"):  # where they are, the lung is not
            lung = lung * (1 - covers.get(name, torch.zeros_like(hu)))
        nowhere = torch.zeros_like(hu)
        wanted = torch.cat(
            [lung if name == "lung" else covers.get(name, nowhere) for name in self.looks.names]
        )
        known = torch.ones_like(wanted)
        for number, name in enumerate(self.looks.names):
            if name in example.source.unknown:  # of what the scan itself may hold
                known[number] *= (wanted[number] > 0) | (lung[0] < 0.5)
            if name in unsure:
                known[number] *= unsure[name][0] < 0.01
            if name == "lung":
                for mask in unsure.values():
                    known[number] *= mask[0] < 0.01
        taken = torch.stack([lung, *covers.values(), *unsure.values()]).amax(0)
        hu, hazy = disturb(hu[None], lung[None], taken[None], self.rng, self.looks.mm)
        if "consolidation" in self.looks.names:
            known[self.looks.names.index("consolidation")] *= ~hazy[0, 0]
        return hu, wanted[None], known[None]

    def _share(self) -> float:
        chance, rng = self.rng.random(), self.rng
        if chance < WHOLE_CHANCE:
            return 1.0
        if chance < WHOLE_CHANCE + PART_CHANCE:
            return float(rng.uniform(0.0, 1.0) ** 0.5)  # rather more than less
        if chance < WHOLE_CHANCE + PART_CHANCE + MORE_CHANCE:
            return float(rng.uniform(1.0, MOST))
        return 0.0


def _chances(examples: list[Example], looks: Looks) -> np.ndarray:
    """Return how often each example is drawn: by its weight among those with or without."""
    weights = np.array([example.weight for example in examples])
    holds = np.array([any(p.finding in looks.names for p in e.patches) for e in examples])
    for group, share in ((holds, looks.shown), (~holds, 1 - looks.shown)):
        weights[group] *= share / max(weights[group].sum(), np.finfo(float).tiny)
    return weights / weights.sum()


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
