"""A small body with a bright block in it, the same without, and a network that looks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from torch import nn

from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.scan import Scan

SPACING = (1.5, 1.5, 3.0)
SHAPE = (10, 48, 64)  # (K, J, I)
BODY = (slice(None), slice(4, 44), slice(4, 60))
LUNG = (slice(None), slice(12, 36), slice(34, 54))
BLOCK = (slice(3, 7), slice(16, 32), slice(12, 26))
TISSUE_HU, LUNG_HU, BLOCK_HU = 40, -850, 300
# Above it (150 HU) the network sees a block, in 0..1 of the prepared grid.
SEEN_FROM = 0.575
SHARPNESS = 400.0


@dataclass
class Known:
    """A scan with a block in it, the scan without, and where the block is."""

    scan: Scan
    clean: Scan
    mask: np.ndarray

    def save(self, folder: Path) -> dict[str, str]:
        """Write mask and clean scan; return their paths as keywords of `evaluate_result`."""
        sitk.WriteImage(self.scan.with_array(self.mask.astype(np.uint8)), str(folder / "m.nrrd"))
        sitk.WriteImage(self.clean.image, str(folder / "c.nrrd"))
        return {"truth": str(folder / "m.nrrd"), "clean": str(folder / "c.nrrd")}


def known_scan() -> Known:
    """Return scan, clean scan and mask, with a little noise."""
    hu = np.full(SHAPE, -1000.0)
    hu[BODY] = TISSUE_HU
    hu[LUNG] = LUNG_HU
    hu += np.random.default_rng(6).normal(0, 8, SHAPE)
    mask = np.zeros(SHAPE, bool)
    mask[BLOCK] = True
    with_block = hu + BLOCK_HU * mask
    clean, scan = (
        Scan.from_array(v.astype(np.int16), SPACING, name="block") for v in (hu, with_block)
    )
    return Known(scan, clean, mask)


class BlockNet(nn.Module):
    """How much of a volume is brighter than `SEEN_FROM`, as a logit: average, then count.

    Four channels, of which each averages 3 x 3 voxels a little differently.
    """

    def __init__(self) -> None:
        super().__init__()
        self.average = nn.Conv3d(1, 4, (1, 3, 3), padding=(0, 1, 1))
        self.count = nn.Conv3d(4, 1, 1)
        with torch.no_grad():
            self.average.weight.fill_(1 / 9)
            unlike = torch.tensor([0.1, 0.0, -0.05, 0.05])
            self.average.weight[:, 0, 0, 1, 1] += unlike
            self.average.bias.fill_(-SEEN_FROM)
            self.count.weight.fill_(0.25)
            self.count.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logit of volumes (N, 1, D, H, W) in 0..1: (N,)."""
        found = self.count(torch.relu(self.average(x)))
        return SHARPNESS * found.mean(dim=(1, 2, 3, 4)) - 1.0


class BlockSeer(Classifier):
    """Says whether there is a bright block, by a `BlockNet`."""

    name = "block seer"
    description = "sees bright blocks"
    grid = GridSpec()
    targets = (Target("block", "logit", threshold=0.0, negatives=-1.0),)

    def __init__(self) -> None:
        self.network = BlockNet().eval()

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the logit of each volume."""
        self.find_target(target)
        return self.network(x)
