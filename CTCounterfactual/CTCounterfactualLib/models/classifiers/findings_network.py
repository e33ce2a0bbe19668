"""The networks of the findings demo: for each voxel, is this lung's place, and which finding?

They say *where*; how much of a finding lies there is a fixed function of density (`amounts`), so
that the score can't rise when a finding gets less. One network looks at the whole chest in cubes of
6 mm: fluid differs from liver or muscle by where it lies. A smaller one looks for nodules in cubes
of 3 mm, because most of them are smaller than two of the first's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .sites_unet import SitesUNet

FINDINGS = ("effusion", "consolidation", "nodule", "pneumothorax")
# Outputs of the two networks; lung's place is lung with whatever fills it.
NAMES = {"coarse": ("lung", "effusion", "consolidation", "pneumothorax"), "fine": ("nodule",)}
# Their cubes, and prepared voxels averaged into one, (D, H, W): 1.5 x 1.5 x 3 mm -> cubes.
CUBE_MM = {"coarse": 6.0, "fine": 3.0}
POOLING = {"coarse": (2, 4, 4), "fine": (1, 2, 2)}
# Of the gates against the probabilities.
SHARPNESS = 2.0


@dataclass(frozen=True)
class FindingsConfig:
    """Sizes of the networks; part of their card.

    Parameters
    ----------
    width, fine_width : int
        Channels of the finest level of the network that looks at the chest, and of the one that
        looks for nodules; each coarser level has twice as many.
    """

    width: int = 16
    fine_width: int = 12


class FindingsNet(nn.Module):
    """Logits of lung's place and of the findings, by a network for each size of cubes."""

    def __init__(self, config: FindingsConfig | None = None):
        super().__init__()
        self.config = config or FindingsConfig()
        self.coarse = SitesUNet(self.config.width, len(NAMES["coarse"]))
        self.fine = SitesUNet(self.config.fine_width, len(NAMES["fine"]))

    def forward(self, x: torch.Tensor, part: str) -> torch.Tensor:
        """Return one part's logits of volumes (N, 1, D, H, W) of the prepared grid, 0..1.

        (N, C, D', H', W'), C of its `NAMES`, in its cubes.
        """
        network = self.coarse if part == "coarse" else self.fine
        return network(pool(x, POOLING[part]))


def part_of(name: str) -> str:
    """Return the part whose logits tell of `name`."""
    return next(part for part, names in NAMES.items() if name in names)


def spread(logits: torch.Tensor, name: str) -> torch.Tensor:
    """Return how much each voxel counts as `name`, 0..1, on the prepared grid: (N, D, H, W).

    Of the logits of its part. It is smooth from block to block, and reaches to whole blocks, beyond
    a volume that isn't made of them.
    """
    part = part_of(name)
    own = gates(logits[:, [NAMES[part].index(name)]])
    scale = tuple(float(factor) for factor in POOLING[part])
    return F.interpolate(own, scale_factor=scale, mode="trilinear", align_corners=False)[:, 0]


def gates(logits: torch.Tensor) -> torch.Tensor:
    """Return how much each place counts, 0..1, of logits of any shape.

    Sharper than their probabilities: many voxels that may just be a finding aren't one in sum, and
    what is nearly certain doesn't depend on its last doubts.
    """
    return torch.sigmoid(SHARPNESS * logits)


def pool(x: torch.Tensor, factors: tuple[int, int, int]) -> torch.Tensor:
    """Average blocks of voxels, (N, C, D, H, W); blocks that stick out count what is there."""
    block = tuple(min(f, n) for f, n in zip(factors, x.shape[2:], strict=True))
    return F.avg_pool3d(x, block, ceil_mode=True, count_include_pad=False)
