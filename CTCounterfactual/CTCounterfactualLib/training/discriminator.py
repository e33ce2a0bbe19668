"""Patch discriminator whose layers also serve as the feature loss."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

NEGATIVE_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Judge overlapping patches of a slice as real or decoded.

    Source: PatchGAN (Isola et al., "Image-to-Image Translation with Conditional Adversarial
    Networks", CVPR 2017) with spectral normalisation (Miyato et al., 2018) in place of batch
    normalisation, which small batches make unstable.

    `forward` returns every layer's activation, the last being the patch scores; the others are the
    features of a feature-matching loss (Wang et al., "High-Resolution Image Synthesis and Semantic
    Manipulation with Conditional GANs", CVPR 2018). No published perceptual network is used: it
    would bring natural-image weights with a licence of their own.
    """

    def __init__(self, width: int = 32):
        super().__init__()
        widths = [1, width, width * 2, width * 4]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in pairwise(widths)
        )
        self.layers.append(spectral_norm(nn.Conv2d(widths[-1], widths[-1], 3, padding=1)))
        self.score = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return activations of all layers; the last is (N, 1, H/8, W/8) patch scores."""
        activations = []
        h = x * 2 - 1
        for layer in self.layers:
            h = F.leaky_relu(layer(h), NEGATIVE_SLOPE)
            activations.append(h)
        return [*activations, self.score(h)]
