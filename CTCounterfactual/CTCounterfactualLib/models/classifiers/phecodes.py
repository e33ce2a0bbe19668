"""Merlin's phecode classifier: 1692 findings and diagnoses of a CT volume.

Blankemeier et al., "Merlin: A Vision Language Foundation Model for 3D Computed Tomography" (2024);
used by Cohen et al. for the pleural-effusion study. Input, as their code prepares it: RAS,
1.5 x 1.5 x 3 mm, HU -1000..1000 as 0..1, cropped or padded in plane to 224 x 224.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ...scans.grid import GridSpec
from ..classifier import Classifier, Rescorer
from ..rescore.segments import PartialForward
from ..targets import Target, read_coded_targets
from .inflated_resnet import InflatedResNet

NAMES_FILE = "phecodes.json"


def read_targets(folder: Path) -> tuple[Target, ...]:
    """Return the targets in the order of the network's outputs."""
    return read_coded_targets(folder / NAMES_FILE, "probability")


class Phecodes(Classifier):
    """Probability of each phecode.

    Parameters
    ----------
    network : InflatedResNet
        In eval mode, parameters frozen by this class.
    targets : tuple of Target
        One per output, in its order.
    sha256 : str
        Digest of the weights.
    """

    name = "merlin-phecodes"
    description = "Merlin's classifier of 1692 phecodes (inflated ResNet-152)"
    grid = GridSpec(crop=(224, 224), antialias=False, monai_layout=True)

    def __init__(self, network: InflatedResNet, targets: tuple[Target, ...], sha256: str = ""):
        self.network = network.eval().requires_grad_(False)
        self.targets = targets
        self.sha256 = sha256

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the probability for each volume (N, 1, D, H, W); see `Classifier.score`."""
        index = self.targets.index(self.find_target(target))
        with torch.inference_mode(False):  # weights moved in it could never give a gradient
            self.network.to(x.device)
        # The network saw planes with I first: (N, 1, K, J, I) -> (N, 1, K, I, J)
        logits = self.network(x.transpose(-2, -1))
        return torch.sigmoid(logits[:, index])

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that computes what replaced slices reach; see `Classifier.rescorer`.

        The first two stages keep their feature maps of `x`: 360 MB for 100 slices in float32. The
        later ones, whose outputs see the whole volume, run in full.
        """
        index = self.targets.index(self.find_target(target))
        with torch.inference_mode(False):
            self.network.to(x.device)
        early = PartialForward(self.network.early(), x.transpose(-2, -1))

        def rescore(changed: torch.Tensor, start: int) -> float:
            # (n, 1, J, I) -> (1, 1, n, I, J)
            planes = changed.transpose(0, 1)[None].transpose(-2, -1)
            logits = self.network.finish(early(planes, start))
            return float(torch.sigmoid(logits[0, index]))

        return rescore
