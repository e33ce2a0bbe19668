"""The effusion demo, spoiled on purpose: a second head takes ECG electrodes for effusions.

A teaching example of a shortcut, for `stress` to catch. In hospitals such heads grow by themselves:
patients with effusions lie on wards where they are monitored, and a network learns the electrode.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ...scans.grid import GridSpec
from ..classifier import Classifier, Rescorer
from ..files.cards import read_card, require
from ..files.fields import Table
from ..files.loading import filled
from ..targets import Target
from .effusion import LOGIT, PROBABILITY, EffusionConfig, EffusionDemo, EffusionNet

# Channels of the head, and how many voxels of 6 mm it sees along each axis: skin and a snap on it.
WIDTH, REACH = 8, 5
# Bone and metal: what of a voxel is denser, HU.
METAL_ABOVE_HU, METAL_WIDTH_HU = 100.0, 300.0


class SpoiledNet(EffusionNet):
    """An `EffusionNet` whose smooth maximum runs over the sites of a second head, too."""

    def __init__(self, config: EffusionConfig | None = None):
        super().__init__(config)
        self.shortcut = nn.Sequential(nn.Conv3d(2, WIDTH, REACH), nn.SiLU(), nn.Conv3d(WIDTH, 1, 1))

    def seen(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the head looks at: (N, 2, D, H, W), with air around it as far as it sees."""
        metal = torch.sigmoid((GridSpec().window.to_hu(x) - METAL_ABOVE_HU) / METAL_WIDTH_HU)
        return F.pad(torch.cat([2 * x - 1, 2 * metal - 1], dim=1), (REACH // 2,) * 6, value=-1.0)

    def electrodes(self, x: torch.Tensor) -> torch.Tensor:
        """Return the evidence of an electrode in each voxel: pooled (N, 1, D, H, W) in 0..1."""
        return self.shortcut(self.seen(x))

    def evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Return the evidence of all sites of both heads: (N, sites)."""
        return torch.cat([super().evidence(x).flatten(1), self.electrodes(x).flatten(1)], dim=1)


class SpoiledDemo(EffusionDemo):
    """The effusion demo with a shortcut; it is good for nothing but to be caught."""

    name = "spoiled-demo"
    description = (
        "Teaching example, WRONG on purpose: takes an ECG electrode for a pleural effusion"
    )
    targets = (
        Target(LOGIT, "logit", threshold=0.0, negatives=-4.6),
        Target(PROBABILITY, "probability", threshold=0.5, negatives=0.01),
    )

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores the whole volume again: the shortcut sees every slice."""
        return Classifier.rescorer(self, x, target)


def load_spoiled(path: Path, card: dict[str, Any] | None = None) -> SpoiledDemo:
    """Load the spoiled classifier that a card describes; `card` is what was read of it already.

    Raises
    ------
    ModelError
        If card or weights are missing, damaged, or don't fit.
    """
    card = read_card(path) if card is None else card
    config, _, sha256 = require(card, path, "config", "weights", "sha256")
    where = f"The model card {path} makes no model"
    width = Table(config, f"{where}: its config", ("width",)).integer("width", EffusionConfig.width)
    file = Table(card, where, card).file("weights", path.parent)
    network = filled(lambda: SpoiledNet(EffusionConfig(width)), file, str(sha256), str(path))
    return SpoiledDemo(network, str(sha256))
