"""Building blocks of the slice VQ-GAN; attribute names follow taming-transformers' state dict.

Layout: Esser, Rombach, Ommer, "Taming Transformers for High-Resolution Image Synthesis", CVPR 2021.
The names (`norm1`, `conv1`, `nin_shortcut`, `proj_out` ...) are part of the file format: published
checkpoints are loaded with ``strict=True``.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

# Both fixed by the published checkpoints.
NORM_GROUPS = 32
NORM_EPSILON = 1e-6


def group_norm(channels: int) -> nn.GroupNorm:
    """Return the normalisation used throughout: 32 groups (fewer where channels don't divide)."""
    groups = NORM_GROUPS if channels % NORM_GROUPS == 0 else 16
    return nn.GroupNorm(groups, channels, eps=NORM_EPSILON, affine=True)


class ResnetBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; (N, C_in, H, W) -> (N, C_out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int, dropout: float = 0.0):
        super().__init__()
        self.norm1 = group_norm(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = group_norm(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        same = in_channels == out_channels
        self.nin_shortcut: nn.Module = (
            nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(self.dropout(F.silu(self.norm2(h))))
        return self.nin_shortcut(x) + h


class AttentionBlock(nn.Module):
    """Single-head self-attention over all positions of a slice, with a shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = group_norm(channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, height, width = x.shape
        h = self.norm(x)
        # (N, C, H, W) -> (N, H*W, C): one token a position
        q, k, v = (conv(h).flatten(2).transpose(1, 2) for conv in (self.q, self.k, self.v))
        h = F.scaled_dot_product_attention(q, k, v)  # scale C**-0.5, as in the checkpoints
        h = h.transpose(1, 2).reshape(n, c, height, width)  # (N, H*W, C) -> (N, C, H, W)
        return x + self.proj_out(h)


class Downsample(nn.Module):
    """Halve height and width by a strided convolution, padded at the right and bottom only."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Double height and width by nearest neighbour, then a convolution."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
