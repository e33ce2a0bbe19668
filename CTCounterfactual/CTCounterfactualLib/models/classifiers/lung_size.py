"""The classifier of the paper's lung-size study: how much lung lungmask R231 sees.

Cohen et al., "Explaining 3D Computed Tomography Classifiers with Counterfactuals", section 5.1. Its
code feeds the U-Net slices of 224 x 224 pixels of 1.5 mm, HU -1000..1000 as 0..1, and passes the
network's log-probabilities through a sigmoid; lungmask itself feeds (min(HU, 600) + 1024) / 1624.
The grid and the raw sum here are the paper's.
"""

from __future__ import annotations

import torch

from ...scans.grid import GridSpec
from ..classifier import Classifier, Rescorer
from ..rescore.gradient_checkpointing import keeping_inputs
from ..rescore.per_slice import PerSliceRescorer
from ..targets import Target
from .resunet import ResUNet

# Slices scored together: the memory of a backward pass doesn't grow with the volume.
SLICE_BATCH = 4
LITRES, RAW = "lung volume", "lung sum, paper"
# Of the network's output channels: 0 is background.
LUNG_CLASSES = slice(1, None)


class LungSize(Classifier):
    """Lung volume in litres, or the paper's raw sum, by the U-Net R231, slice by slice.

    Parameters
    ----------
    network : ResUNet
        In eval mode, parameters frozen by this class.
    sha256 : str
        Digest of its weights.
    """

    name = "lung-size"
    description = "Lung volume by the lungmask R231 U-Net, as in the paper's lung-size study"
    grid = GridSpec(crop=(224, 224), antialias=False, monai_layout=True)
    targets = (Target(LITRES, "L"), Target(RAW, "voxels"))

    def __init__(self, network: ResUNet, sha256: str = ""):
        self.network = network.eval().requires_grad_(False)
        self.sha256 = sha256

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target of each volume (N, 1, D, H, W); see `Classifier.score`.

        In litres: the sum of the two lungs' probabilities times the volume of a voxel. Raw: the sum
        of sigmoid(log p) = p / (1 + p) over both, as the paper's code has it.
        """
        raw = self.find_target(target).name == RAW
        # One sample a slice: (N, 1, D, H, W) -> (N*D, 1, H, W)
        sums = self._slice_scores(x.transpose(1, 2).flatten(0, 1), raw)
        return sums.unflatten(0, (len(x), -1)).sum(1)  # (N*D,) -> (N, D) -> (N,)

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores only replaced slices; see `Classifier.rescorer`."""
        raw = self.find_target(target).name == RAW
        return PerSliceRescorer(lambda slices, start: self._slice_scores(slices, raw), x)

    def _slice_scores(self, slices: torch.Tensor, raw: bool) -> torch.Tensor:
        """Return what each slice adds to the score: (n, 1, H, W) -> (n,), float64."""
        with torch.inference_mode(False):  # weights moved in it could never give a gradient
            network = self.network.to(slices.device)
        # Turned a few at a time: rows to Posterior, columns to Left, as the network saw slices.
        parts = [
            keeping_inputs(_lung, network, part.flip(-2, -1), raw)
            for part in slices.split(SLICE_BATCH)
        ]
        sums = torch.cat(parts)
        return sums if raw else sums * self.grid.voxel_litres


def _lung(network: ResUNet, slices: torch.Tensor, raw: bool) -> torch.Tensor:
    """Return how much lung each slice shows: (n, 1, H, W) -> (n,), float64."""
    logs = network(slices)[:, LUNG_CLASSES]  # (n, 2, H, W)
    lung = torch.sigmoid(logs) if raw else logs.exp()
    return lung.sum(dim=(1, 2, 3), dtype=torch.float64)
