"""A small U-shaped 3D network that gives logits to each voxel and computes on blocks of eight.

Its blocks hold no normalisation by what a batch or a volume shows: what is said of a place doesn't
depend on how much air lies around the patient, nor on what training was like. Their weights are
standardised instead (Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight
Standardization", 2019; scaled as Brock et al., "Characterizing signal propagation to close the
performance gap in unnormalized ResNets", ICLR 2021, have it).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ...scans.grid import GridSpec

# Voxels that become channels of one site of the finest level, along each axis.
BLOCK = 2
# Three levels: sizes are padded to whole sites of the coarsest.
SITE = 8
# (centre, half-width) in HU of the channels that spread tissue (fat, fluid, muscle) and lung.
TISSUE_HU, LUNG_HU = (20.0, 120.0), (-870.0, 120.0)
VIEWS = 3
# Logit of all places before training: most voxels are neither lung nor finding.
RARE = -3.0
# 1 / the standard deviation of SiLU of a normal number: keeps the signal's size.
SILU_GAIN = 1.7881
# Of a block's own part at first; and what keeps an even filter's deviation from 0.
RESIDUAL_GAIN, LEAST_VARIANCE = 0.2, 1e-4


class StandardConv(nn.Conv3d):
    """A 3 x 3 x 3 convolution whose filters have mean 0 and norm `gain`, then SiLU.

    Smooth, so that the gradient is too.
    """

    def __init__(self, inside: int, outside: int, stride: int = 1):
        super().__init__(inside, outside, 3, stride, padding=1)
        self.gain = nn.Parameter(torch.ones(outside))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes, numbers = (1, 2, 3, 4), self.weight[0].numel()
        variance, mean = torch.var_mean(self.weight, axes, correction=0, keepdim=True)
        scale = self.gain[:, None, None, None, None] * (variance * numbers + LEAST_VARIANCE).rsqrt()
        bias, stride, padding = self.bias, self.stride, 1
        return SILU_GAIN * F.silu(F.conv3d(x, (self.weight - mean) * scale, bias, stride, padding))


class Residual(nn.Module):
    """Two convolutions, times a learned number, added to their input."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(StandardConv(width, width), StandardConv(width, width))
        self.gain = nn.Parameter(torch.tensor(RESIDUAL_GAIN))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.gain * self.body(x)


class SitesUNet(nn.Module):
    """Logits (N, outputs, D, H, W) of volumes (N, 1, D, H, W) in 0..1, of any size.

    Parameters
    ----------
    width : int
        Channels of the finest level, whose sites are blocks of 2 x 2 x 2 voxels; the two coarser
        ones have twice and four times as many.
    outputs : int
        Logits of a voxel.
    """

    def __init__(self, width: int, outputs: int):
        super().__init__()
        fine, middle, coarse = (width * factor for factor in (1, 2, 4))
        self.stem = StandardConv(VIEWS * BLOCK**3, fine)
        self.fine = Residual(fine)
        self.to_middle = StandardConv(fine, middle, stride=2)
        self.middle = Residual(middle)
        self.to_coarse = StandardConv(middle, coarse, stride=2)
        self.coarse = nn.Sequential(Residual(coarse), Residual(coarse))
        self.from_coarse = nn.Conv3d(coarse, middle, 1)
        self.join_middle = Residual(middle)
        self.from_middle = nn.Conv3d(middle, fine, 1)
        self.join_fine = StandardConv(fine, fine)
        self.place_of = nn.Conv3d(fine, outputs * BLOCK**3, 1)
        nn.init.constant_(self.place_of.get_parameter("bias"), RARE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine = self.fine(self.stem(to_sites(pad(x))))
        middle = self.middle(self.to_middle(fine))
        coarse = self.from_coarse(self.coarse(self.to_coarse(middle)))
        middle = self.join_middle(middle + _up(coarse))
        fine = self.join_fine(fine + _up(self.from_middle(middle)))
        depth, height, width = x.shape[2:]
        return _to_voxels(self.place_of(fine))[:, :, :depth, :height, :width]


def pad(x: torch.Tensor) -> torch.Tensor:
    """Repeat the last voxels of (N, C, D, H, W) up to whole sites of the coarsest level."""
    missing = [-n % SITE for n in x.shape[2:]]
    return F.pad(x, (0, missing[2], 0, missing[1], 0, missing[0]), mode="replicate")


def to_sites(x: torch.Tensor) -> torch.Tensor:
    """Return the input of the finest level: (N, 1, D, H, W) in 0..1 -> (N, 24, D/2, H/2, W/2)."""
    hu = GridSpec().window.to_hu(x)
    views = [2 * x - 1] + [torch.tanh((hu - at) / wide) for at, wide in (TISSUE_HU, LUNG_HU)]
    seen = torch.cat(views, dim=1)
    # (N, C, D, H, W) -> (N, C, D/2, 2, H/2, 2, W/2, 2) -> (N, C, 2, 2, 2, D/2, H/2, W/2)
    blocks = seen.unflatten(4, (-1, BLOCK)).unflatten(3, (-1, BLOCK)).unflatten(2, (-1, BLOCK))
    return blocks.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)


def _to_voxels(sites: torch.Tensor) -> torch.Tensor:
    """Spread channels over voxels: (N, C * 8, D/2, H/2, W/2) -> (N, C, D, H, W)."""
    blocks = sites.unflatten(1, (-1, BLOCK, BLOCK, BLOCK))  # (N, C, 2, 2, 2, D/2, H/2, W/2)
    voxels = blocks.permute(0, 1, 5, 2, 6, 3, 7, 4)
    return voxels.flatten(6, 7).flatten(4, 5).flatten(2, 3)


def _up(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="trilinear", align_corners=False)
