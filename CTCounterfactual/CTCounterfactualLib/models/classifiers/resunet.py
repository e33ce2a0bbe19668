"""The U-Net of lungmask R231: lungs in one CT slice.

Hofmanninger et al., "Automatic lung segmentation in routine imaging is primarily a data diversity
problem, not a methodology problem", Eur Radiol Exp 4:50 (2020). Attribute names are those of the
published file (`lungmask-unet_r231-d5d2fc3d.pth`, 227 entries), which is loaded strictly; some of
its tensors take no part in the computation.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

# Of the published file: 64 channels at full resolution, doubled at each of four halvings.
FIRST_WIDTH, LEVELS = 64, 5
CLASSES = ("background", "right lung", "left lung")


class _ConvBlock(nn.Module):
    """Twice convolution, ReLU and normalisation: (N, in, H, W) -> (N, out, H, W)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        # In the published file although this variant of the network never uses them.
        self.residual_input_conv = nn.Conv2d(inputs, outputs, 1)
        self.residual_batchnorm = nn.BatchNorm2d(outputs)
        self.block = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.ReLU(),
            nn.BatchNorm2d(outputs),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.ReLU(),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(x)


class _UpBlock(nn.Module):
    """Double height and width, join with the encoder's map: (N, in, h, w) -> (N, out, 2h, 2w)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.residual_input_conv = nn.Conv2d(inputs, outputs, 1)  # unused, as in _ConvBlock
        self.residual_batchnorm = nn.BatchNorm2d(outputs)
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(inputs, outputs, 1)
        )
        self.conv_block = _ConvBlock(inputs, outputs)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        x = self.up(x)
        height, width = x.shape[-2:]  # smaller than the encoder's map where a side was odd
        top, left = (skip.shape[-2] - height) // 2, (skip.shape[-1] - width) // 2
        skip = skip[..., top : top + height, left : left + width]
        return self.conv_block(torch.cat([x, skip], dim=1))


class ResUNet(nn.Module):
    """Log-probability of each class: (N, 1, H, W), the network's own units -> (N, 3, H, W).

    Height and width must divide by 16, or the output is smaller than the input.
    """

    def __init__(self, classes: int = len(CLASSES)):
        super().__init__()
        widths = [FIRST_WIDTH * 2**level for level in range(LEVELS)]
        self.down_path = nn.ModuleList(
            _ConvBlock(inputs, outputs)
            for inputs, outputs in zip([1, *widths[:-1]], widths, strict=True)
        )
        self.up_path = nn.ModuleList(_UpBlock(2 * width, width) for width in reversed(widths[:-1]))
        self.last = nn.Conv2d(FIRST_WIDTH, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bridges = []
        for down in self.down_path[:-1]:
            x = down(x)
            bridges.append(x)
            x = F.avg_pool2d(x, 2)
        x = self.down_path[-1](x)
        for up in self.up_path:
            x = up(x, bridges.pop())
        return F.log_softmax(self.last(x), dim=1)
