"""An inflated ResNet-152 without a head, as its publisher's weights hold it."""

from __future__ import annotations

import torch

from ...scans.grid import GridSpec
from ...scans.hounsfield import IntensityWindow
from ..classifiers.inflated_resnet import InflatedTrunk
from ..rescore.segments import PartialForward
from .backbone import Backbone, MapsAgain


class InflatedBackbone(Backbone):
    """The last maps of an inflated ResNet, whose places are 24 x 24 x 48 mm apart at half overlap.

    Parameters
    ----------
    network : InflatedTrunk
        Frozen by this class.
    window : IntensityWindow
        HU that its network saw as 0..1. The prepared volume keeps the project's own window, so
        that autoencoders fit; what lies beyond the network's is clipped here.
    name, description, sha256 : str
        See `Backbone`.
    """

    grid = GridSpec()

    def __init__(
        self,
        network: InflatedTrunk,
        window: IntensityWindow | None = None,
        name: str = "",
        description: str = "",
        sha256: str = "",
    ):
        self.network: InflatedTrunk = network.eval().requires_grad_(False)
        self.window = window or self.grid.window
        self.name, self.description, self.sha256 = name, description, sha256

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last maps, (N, 2048, D/16, I/32, J/32); see `Backbone.maps`."""
        with torch.inference_mode(False):  # weights moved in it could never give a gradient
            self.network.to(x.device)
        return self.network(self._seen(x))

    def stages(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the maps after each of the four stages."""
        with torch.inference_mode(False):
            self.network.to(x.device)
        return self.network.stages(self._seen(x))

    def maps_again(self, x: torch.Tensor) -> MapsAgain:
        """Return a function that computes what replaced slices reach; see `Phecodes.rescorer`."""
        with torch.inference_mode(False):
            self.network.to(x.device)
        early = PartialForward(self.network.early(), self._seen(x))

        def again(changed: torch.Tensor, start: int) -> torch.Tensor:
            planes = changed.transpose(0, 1)[None]  # (n, 1, J, I) -> (1, 1, n, J, I)
            return self.network.late(early(self._seen(planes), start))

        return again

    def _seen(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the network sees: its own window, planes with I first as at Merlin.

        (N, 1, K, J, I) -> (N, 1, K, I, J)
        """
        hu = self.grid.window.to_hu(x)
        return self.window.to_unit(hu).clamp(0, 1).transpose(-2, -1)
