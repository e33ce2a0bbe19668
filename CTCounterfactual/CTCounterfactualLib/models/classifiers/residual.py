"""Building blocks of the demos' 3D networks: smooth, so that the gradient is too."""

from __future__ import annotations

import torch
from torch import nn


def conv_block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """3x3x3 convolution, batch normalisation, SiLU (smooth, so that the gradient is too)."""
    return nn.Sequential(
        nn.Conv3d(inside, outside, 3, stride, padding=1, bias=False),
        nn.BatchNorm3d(outside),
        nn.SiLU(),
    )


class Residual(nn.Module):
    """Two convolutions added to their input."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(conv_block(width, width), conv_block(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)
