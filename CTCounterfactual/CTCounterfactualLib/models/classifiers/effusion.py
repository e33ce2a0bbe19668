"""A small 3D network that says how probable a pleural effusion is, and where its evidence lies.

It is a demonstration: trained by this project on generated chests and on fluid *painted* into a
few scans (`training.effusion`), so that a small classifier of a finding comes with the program and
its gradient lies on the finding. No clinical use follows from its scores.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from ..rescore.segments import Layer, PartialForward, Segment, Window
from ..targets import Target
from .residual import Residual, conv_block

# Prepared voxels averaged into one voxel of the network, (D, H, W): 1.5 x 1.5 x 3 mm -> 6 mm cubes.
# A layer of 20 mL along the pleura still fills a third of such a cube.
POOLING = (2, 4, 4)
# Centre and half-width of the soft-tissue channel: fat (-100), fluid (0..25) and muscle (50 HU) are
# spread over its steep part; everything else still has a small slope.
TISSUE_HU, TISSUE_HALF_WIDTH_HU = 20.0, 120.0
PROBABILITY, LOGIT = "pleural effusion", "pleural effusion logit"


@dataclass(frozen=True)
class EffusionConfig:
    """Sizes of the network; part of its card. `width`: channels at 6 mm; 12 and 24 mm have more."""

    width: int = 8


class EffusionNet(nn.Module):
    """Evidence of fluid at 12 mm sites, pooled to one logit.

    A U-shaped network of three levels (6, 12 and 24 mm), so that a site sees about 25 cm around it:
    fluid differs from liver or muscle by where it lies. The scan's logit is

        w * log(sum over sites exp(s)) + b,  w > 0,

    a smooth maximum: any one place suffices, air around the body adds nothing, and the gradient
    falls on each site by its share of the sum.
    """

    def __init__(self, config: EffusionConfig | None = None):
        super().__init__()
        self.config = config or EffusionConfig()
        fine, middle, coarse = (self.config.width * factor for factor in (1, 2, 4))
        self.stem = conv_block(2, fine)
        self.to_middle = conv_block(fine, middle, stride=2)
        self.middle = Residual(middle)
        self.to_coarse = conv_block(middle, coarse, stride=2)
        self.coarse = nn.Sequential(Residual(coarse), Residual(coarse))
        self.back = nn.Conv3d(coarse, middle, 1)
        self.join = Residual(middle)
        self.evidence_of = nn.Conv3d(middle, 1, 1)
        self.log_weight = nn.Parameter(torch.zeros(()))
        self.offset = nn.Parameter(torch.zeros(()))

    def early(self) -> tuple[Segment, ...]:
        """Return the layers from the pooled volume to the middle level, for part of its slices."""
        return (
            Segment((Layer(self._fine, Window(3, 1, 1)),)),
            Segment(
                (
                    Layer(self.to_middle, Window(3, 2, 1)),
                    Layer(self.middle, Window(5, 1, 2)),  # two kernels of 3
                )
            ),
        )

    def _fine(self, x: torch.Tensor) -> torch.Tensor:
        """Return the finest level: pooled (N, 1, D, H, W) in 0..1 -> (N, width, D, H, W)."""
        hu = GridSpec().window.to_hu(x)
        tissue = torch.tanh((hu - TISSUE_HU) / TISSUE_HALF_WIDTH_HU)
        return self.stem(torch.cat([2 * x - 1, tissue], dim=1))

    def evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Return s of each site: pooled (N, 1, D, H, W) in 0..1 -> (N, 1, D', H', W'), halved."""
        for segment in self.early():
            x = segment(x)
        return self.late(x)

    def late(self, middle: torch.Tensor) -> torch.Tensor:
        """Return s of each site from the middle level, (N, 2 width, D', H', W')."""
        coarse = self.back(self.coarse(self.to_coarse(middle)))
        seen = F.interpolate(coarse, middle.shape[-3:], mode="trilinear", align_corners=False)
        return self.evidence_of(self.join(middle + seen))

    def logit(self, evidence: torch.Tensor) -> torch.Tensor:
        """Pool the evidence of all sites: (N, 1, D', H', W') -> (N,)."""
        return self.log_weight.exp() * evidence.flatten(1).logsumexp(1) + self.offset

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logit of each pooled volume: (N, 1, D, H, W) in 0..1 -> (N,)."""
        return self.logit(self.evidence(x))


class EffusionDemo(Classifier):
    """Probability (or logit) of a pleural effusion, by a small network that came with the program.

    The logit is a target of its own, because the gradient of a probability near 0 or 1 vanishes.
    """

    name = "effusion-demo"
    description = (
        "Pleural effusion (demonstration): small network of this project, trained on painted fluid"
    )
    grid = GridSpec()
    # Even odds; the median logit of the card's five scans without an effusion, and its probability.
    targets = (
        Target(PROBABILITY, "probability", threshold=0.5, negatives=0.01),
        Target(LOGIT, "logit", threshold=0.0, negatives=-4.6),
    )

    def __init__(self, network: EffusionNet, sha256: str = ""):
        self.network = network.eval().requires_grad_(False)
        self.sha256 = sha256

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return probability or logit of each volume; see `Classifier.score`."""
        wanted = self.find_target(target)
        with torch.inference_mode(False):  # weights moved in it could never give a gradient
            self.network.to(x.device)
        return _scored(self.network(self._pooled(x)), wanted)

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that computes what replaced slices reach; see `Classifier.rescorer`.

        Up to the middle level, that is; the coarse level sees nearly all slices.
        """
        wanted = self.find_target(target)
        with torch.inference_mode(False):
            self.network.to(x.device)
        early = PartialForward(self.network.early(), self._pooled(x))
        block = POOLING[0]

        def rescore(changed: torch.Tensor, start: int) -> float:
            # Whole blocks of slices, of which the outer ones may be in part as they were.
            stop = start + len(changed)
            first, last = start // block * block, -(-stop // block) * block
            blocks = torch.cat(
                [x[:, :, first:start], changed.transpose(0, 1)[None], x[:, :, stop:last]], dim=2
            )  # (1, 1, n, H, W)
            middle = early(self._pooled(blocks), start // block)
            logit = self.network.logit(self.network.late(middle))
            return float(_scored(logit, wanted))

        return rescore

    def _pooled(self, x: torch.Tensor) -> torch.Tensor:
        """Return blocks of voxels, in the network's precision."""
        return pool(x.to(self.network.offset.dtype))


def pool(x: torch.Tensor, factors: tuple[int, int, int] = POOLING) -> torch.Tensor:
    """Average blocks of voxels, (N, C, D, H, W); blocks that stick out count what is there."""
    block = tuple(min(f, n) for f, n in zip(factors, x.shape[2:], strict=True))
    return F.avg_pool3d(x, block, ceil_mode=True, count_include_pad=False)


def load_effusion(path: Path, card: dict[str, Any] | None = None) -> EffusionDemo:
    """Load the effusion classifier that a card describes: the shipped one, or one's own training.

    `card` is what was read of it already.

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
    network = filled(lambda: EffusionNet(EffusionConfig(width)), file, str(sha256), str(path))
    return EffusionDemo(network, str(sha256))


def _scored(logit: torch.Tensor, target: Target) -> torch.Tensor:
    """Return a target's score: the logit, or its probability, in float64 so as not to lose it."""
    return logit if target.name == LOGIT else torch.sigmoid(logit.double())
