"""The network of the findings demo: for each 6 mm voxel, is this lung's place, and which finding?

It says *where*; how much of a finding lies there is a fixed function of density (`amounts`), so
that the score can't rise when a finding gets less.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ...scans.grid import GridSpec
from .residual import Residual, conv_block

FINDINGS = ("effusion", "consolidation", "nodule", "pneumothorax")
# Channels of the output: the place of lung (with whatever fills it), then the findings.
CHANNELS = ("lung", *FINDINGS)
# Prepared voxels averaged into one voxel of the network, (D, H, W): 1.5 x 1.5 x 3 mm -> 6 mm cubes.
POOLING = (2, 4, 4)
VOXEL_ML = 6.0**3 * 1e-3
# Voxels that become channels of one site of the finest level, along each axis: 6 mm -> 12 mm.
BLOCK = 2
# Three levels of 12, 24 and 48 mm: sizes are padded to whole sites of the coarsest.
SITE = 8
# (centre, half-width) in HU of the channels that spread tissue (fat, fluid, muscle) and lung.
TISSUE_HU, LUNG_HU = (20.0, 120.0), (-870.0, 120.0)
VIEWS = 3
# Logit of all places before training: most voxels are neither lung nor finding.
RARE = -3.0
# Of the gates against the probabilities.
SHARPNESS = 2.0


@dataclass(frozen=True)
class FindingsConfig:
    """Sizes of the network; part of its card.

    Parameters
    ----------
    width : int
        Channels at 12 mm; 24 and 48 mm have twice and four times as many.
    """

    width: int = 16


class FindingsNet(nn.Module):
    """Logits of lung's place and of the findings at 6 mm, from a U-shaped network of three levels.

    A voxel sees all of a chest: fluid differs from liver or muscle by where it lies.
    """

    def __init__(self, config: FindingsConfig | None = None):
        super().__init__()
        self.config = config or FindingsConfig()
        fine, middle, coarse = (self.config.width * factor for factor in (1, 2, 4))
        self.stem = conv_block(VIEWS * BLOCK**3, fine)
        self.fine = Residual(fine)
        self.to_middle = conv_block(fine, middle, stride=2)
        self.middle = Residual(middle)
        self.to_coarse = conv_block(middle, coarse, stride=2)
        self.coarse = nn.Sequential(Residual(coarse), Residual(coarse))
        self.from_coarse = nn.Conv3d(coarse, middle, 1)
        self.join_middle = Residual(middle)
        self.from_middle = nn.Conv3d(middle, fine, 1)
        self.join_fine = conv_block(fine, fine)
        self.place_of = nn.Conv3d(fine, len(CHANNELS) * BLOCK**3, 1)
        nn.init.constant_(self.place_of.get_parameter("bias"), RARE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits at 6 mm: pooled (N, 1, D, H, W) in 0..1 -> (N, len(CHANNELS), D, H, W)."""
        fine = self.fine(self.stem(to_sites(pad(x))))
        middle = self.middle(self.to_middle(fine))
        coarse = self.from_coarse(self.coarse(self.to_coarse(middle)))
        middle = self.join_middle(middle + _up(coarse))
        fine = self.join_fine(fine + _up(self.from_middle(middle)))
        depth, height, width = x.shape[2:]
        return _to_voxels(self.place_of(fine))[:, :, :depth, :height, :width]


def gates(places: torch.Tensor) -> torch.Tensor:
    """Return how much each place counts, 0..1, of logits of any shape.

    Sharper than their probabilities: many voxels that may just be a finding aren't one in sum, and
    what is nearly certain doesn't depend on its last doubts.
    """
    return torch.sigmoid(SHARPNESS * places)


def pool(x: torch.Tensor, factors: tuple[int, int, int] = POOLING) -> torch.Tensor:
    """Average blocks of voxels, (N, C, D, H, W); blocks that stick out count what is there."""
    block = tuple(min(f, n) for f, n in zip(factors, x.shape[2:], strict=True))
    return F.avg_pool3d(x, block, ceil_mode=True, count_include_pad=False)


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
