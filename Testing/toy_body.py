"""A small body with two lungs and a lesion in each, and models of it whose answers are known.

The autoencoder averages blocks of 2 x 2 pixels, the classifier counts soft tissue in boxes: what a
counterfactual should change, and what each place is worth, follows by hand.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.scan import Scan

GRID = GridSpec(spacing=(3.0, 3.0, 3.0))
SIZE = (12, 40, 48)  # K, J, I
RAS_IN_LPS = (-1, 0, 0, 0, -1, 0, 0, 0, 1)  # so that the scan's axes are the prepared grid's
LUNG_HU, TISSUE_HU = -850, 40
# K, J, I of the lesions; I grows to the patient's right.
LEFT = (slice(4, 8), slice(16, 24), slice(10, 16))
RIGHT = (slice(4, 8), slice(16, 24), slice(32, 38))
_SOFT, _WIDTH = 0.3, 0.08  # of 0..1: -400 HU, and how gradually tissue counts


def body_scan() -> Scan:
    """Return the body: an ellipse of tissue, two lungs, a block of tissue in each."""
    _, j, i = np.indices(SIZE)
    hu = np.full(SIZE, -1000, np.int16)
    hu[np.hypot((j - 19.5) / 18, (i - 23.5) / 22) < 1] = TISSUE_HU
    for middle in (13, 34):
        hu[np.hypot((j - 19.5) / 12, (i - middle) / 8) < 1] = LUNG_HU
    for lesion in (LEFT, RIGHT):
        hu[lesion] = TISSUE_HU
    return Scan.from_array(hu, GRID.spacing, (0, 0, 0), RAS_IN_LPS, name="toy body")


def mask_of(*boxes) -> np.ndarray:
    """Return the voxels in any of the boxes: (K, J, I), bool."""
    mask = np.zeros(SIZE, bool)
    for box in boxes:
        mask[box] = True
    return mask


class Blocks:
    """An autoencoder without weights: means of 2 x 2 pixels, and back by repetition."""

    name = "blocks"
    description = "for tests"
    sha256 = ""
    factor = 2

    def encode(self, x):
        return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)

    def decode(self, z, size):
        return z.repeat_interleave(2, -1).repeat_interleave(2, -2)[..., : size[0], : size[1]]


class TissueIn(Classifier):
    """Soft tissue in boxes, each with a weight, and in all boxes together with another.

    f = sum_b w_b s_b + joint * product_b s_b,  s_b: share of box b that is soft tissue.
    """

    name = "tissue in boxes"
    description = "for tests"
    grid = GRID

    def __init__(self, *boxes, weights=None, joint=0.0, threshold=None):
        self.boxes, self.joint = boxes, joint
        self.weights = weights or (1.0,) * len(boxes)
        self.targets = (Target("tissue", "share", threshold=threshold),)
        self.gradients = 0

    def score(self, x, target=None):
        self.gradients += x.requires_grad
        shares = [
            torch.sigmoid((x[(slice(None), 0, *box)] - _SOFT) / _WIDTH).mean(dim=(1, 2, 3))
            for box in self.boxes
        ]
        total = sum(w * share for w, share in zip(self.weights, shares, strict=True))
        return total + self.joint * torch.stack(shares).prod(0)


class BlackBox(TissueIn):
    """The same without a gradient."""

    name = "black box"
    differentiable = False
