"""The first stages of a network that was trained on CT, as a perceptual loss (extra `backbone`)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...models.catalogue import load_backbone
from .features import PerceptualLoss

DEFAULT = "astra-resnet152"
# A 3D network sees a crop as so many equal slices: what varies along them isn't there to see.
SLICES = 8
# Of its stages, those that see edges and texture; later ones see organs, which crops don't hold.
STAGES = 2


class CTBackboneLoss(PerceptualLoss):
    """Features of a backbone's first stages.

    Parameters
    ----------
    name : str
        Of the catalogue, or a card's path; empty: `DEFAULT`.
    """

    def __init__(self, name: str):
        super().__init__()
        backbone = load_backbone(name or DEFAULT)
        self.network = backbone.network
        self._backbone = backbone

    def maps(self, x: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return the maps (N, C, D, H, W) of crops as volumes of equal slices."""
        volumes = x[:, :, None].expand(-1, -1, SLICES, -1, -1)  # (N, 1, H, W) -> (N, 1, D, H, W)
        return self._backbone.stages(volumes)[:STAGES]
