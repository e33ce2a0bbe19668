"""Small models as users write them, and a scan for them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.models.classifier import Target
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.scan import Scan

GRID = GridSpec(spacing=(2.0, 2.0, 4.0))
SIZE = (6, 16, 20)


class Net(nn.Module):
    """A smooth score of all voxels; `change` is done to its features."""

    def __init__(self, change=lambda x: x):
        super().__init__()
        self.conv = nn.Conv3d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm3d(4)
        self.change = change
        with torch.no_grad():
            generator = torch.Generator().manual_seed(4)
            self.conv.weight.copy_(torch.randn(self.conv.weight.shape, generator=generator) / 5)
            self.conv.bias.zero_()

    def forward(self, x):
        return self.change(F.softplus(self.norm(self.conv(x)))).mean(dim=(1, 2, 3, 4))


class Judge:
    """A classifier object of a user, around a network."""

    name = "judge"
    grid, targets = GRID, (Target("finding"), Target("chance", "probability"))

    def __init__(self, network=None, before=lambda x: x):
        self.network = Net() if network is None else network
        self.before = before

    def score(self, x, target=None):
        return self.network(self.before(x))


class Halves(nn.Module):
    """An autoencoder object of a user: mean of 2 x 2 pixels and back."""

    name, factor = "halves", 2

    def __init__(self, encode=lambda z: z, decode=lambda x: x):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.weight = nn.Parameter(torch.ones(()))
        self.on_encode, self.on_decode = encode, decode

    def encode(self, x):
        return self.on_encode(self.weight * F.avg_pool2d(x, 2, ceil_mode=True))

    def decode(self, z, size):
        return self.on_decode(self.weight * self.up(z)[..., : size[0], : size[1]])


def small_scan():
    hu = np.random.default_rng(7).integers(-900, 300, SIZE)
    hu = np.round((hu + np.roll(hu, 1, 1) + np.roll(hu, 1, 2)) / 3).astype(np.int16)
    return Scan.from_array(hu, GRID.spacing, (0.0, 0.0, 0.0), name="small")


def run(scan, classifier=None, autoencoder=None, **options):
    # Noise has no body.
    noise = {"within": "volume"}
    chosen = {"mode": "whole", "frames": 0, "max_change": 0.1, **noise, **options}
    return explain(scan, classifier or Judge(), autoencoder=autoencoder or Halves(), **chosen)


def flag(result, name="not-reproducible"):
    return next((flag.message for flag in result.flags if flag.name == name), "")


def same(one, other):
    return one.scores == other.scores and np.array_equal(one.counterfactual, other.counterfactual)
