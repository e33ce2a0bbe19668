"""Classifiers whose saliency is known: linear, with ReLUs of either kind, with one convolution."""

from __future__ import annotations

import numpy as np
import torch
from scans import GRID, SIZE
from torch import nn
from torch.nn import functional as F

from CTCounterfactualLib.models.classifier import Target


class Judge:
    """A classifier object around a network."""

    name = "judge"
    grid, targets = GRID, (Target("finding"),)

    def __init__(self, network):
        self.network = network

    def score(self, x, target=None):
        return self.network(x)


def weights(seed=1):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=SIZE).astype(np.float32))


class Linear(nn.Module):
    """The sum of the voxels, each times its weight."""

    def __init__(self):
        super().__init__()
        self.register_buffer("weight", weights())

    def forward(self, x):
        return (self.weight * x[:, 0]).sum(dim=(1, 2, 3))


class Rectified(nn.Module):
    """Sum of w * relu(x - 0.3), its ReLU a layer, or a function, or both (then twice)."""

    def __init__(self, layer=True, function=False, inplace=False):
        super().__init__()
        self.register_buffer("weight", weights())
        self.relu = nn.ReLU(inplace=inplace) if layer else nn.Identity()
        self.function = F.relu if function else lambda x: x

    def forward(self, x):
        lit = self.function(self.relu(x[:, 0] - 0.3))
        return (self.weight * lit).sum(dim=(1, 2, 3))


class TwoChannels(nn.Module):
    """A convolution makes channels x and 2 x; the score weighs each place of both.

    The last in the list isn't the last that is run, and another is never run.
    """

    def __init__(self):
        super().__init__()
        self.channels = nn.Conv3d(1, 2, 1, bias=False)
        self.first = nn.Conv3d(1, 1, 1, bias=False)
        self.idle = nn.Conv3d(1, 1, 1, bias=False)
        with torch.no_grad():
            self.channels.weight.copy_(torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1, 1))
            self.first.weight.fill_(1.0)
        self.register_buffer("places", torch.stack([weights(2), weights(3)]))

    def forward(self, x):
        return (self.places * self.channels(self.first(x))).sum(dim=(1, 2, 3, 4))
