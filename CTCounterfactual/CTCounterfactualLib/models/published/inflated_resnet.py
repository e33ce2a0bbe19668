"""ResNet-152 with its kernels inflated to 3D, and Merlin's two heads.

Blankemeier et al., "Merlin: A Vision Language Foundation Model for 3D Computed Tomography" (2024);
inflation after Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017; ResNet: He et
al., "Deep Residual Learning for Image Recognition", CVPR 2016. Attribute names are those of the
published file `i3_resnet_best_clip_04-02-2024_23-21-36_epoch_99.pt`.

Axes here are (N, C, D, H, W): D is the slice axis, the "time" of the inflated video network.
"""

from __future__ import annotations

import torch
from torch import nn

# Bottlenecks per stage of ResNet-152, and their widths (a stage puts out four times its width).
BLOCKS, WIDTHS, EXPANSION = (3, 8, 36, 3), (64, 128, 256, 512), 4
TARGETS, EMBEDDING = 1692, 512


class Bottleneck3d(nn.Module):
    """1x1x1, 3x3x3 and 1x1x1 convolutions around a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        outputs = EXPANSION * width
        self.conv1 = nn.Conv3d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv3d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm3d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.relu(self.bn1(self.conv1(x)))
        h = self.relu(self.bn2(self.conv2(h)))
        h = self.bn3(self.conv3(h))
        return self.relu(h + (x if self.downsample is None else self.downsample(x)))


def _stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck3d(inputs, width, stride)
    rest = (Bottleneck3d(EXPANSION * width, width, 1) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


class InflatedResNet(nn.Module):
    """Logit of each target of a volume; its parts are named as in the published file.

    Parameters
    ----------
    blocks : tuple of int
        Bottlenecks per stage; the default is ResNet-152. Smaller ones make quick tests.
    targets : int
        Outputs of the classifying head.
    """

    def __init__(self, blocks: tuple[int, ...] = BLOCKS, targets: int = TARGETS):
        super().__init__()
        self.conv1 = nn.Conv3d(3, WIDTHS[0], (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm3d(WIDTHS[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1)
        inputs = WIDTHS[0]
        for number, (width, count) in enumerate(zip(WIDTHS, blocks, strict=True), start=1):
            stride = 1 if number == 1 else 2
            setattr(self, f"layer{number}", _stage(inputs, width, count, stride))
            inputs = EXPANSION * width
        self.classifier = nn.Conv3d(inputs, targets, 1)
        self.contrastive_head = nn.Conv3d(inputs, EMBEDDING, 1)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the feature map before the heads: (N, 1, D, H, W) -> (N, 2048, d, h, w).

        The grey volume fills all three colour channels.
        """
        h = self.conv1(x.expand(-1, 3, -1, -1, -1))  # (N, 1, D, H, W) -> (N, 3, D, H, W), no copy
        h = self.maxpool(self.relu(self.bn1(h)))
        return self.layer4(self.layer3(self.layer2(self.layer1(h))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (N, targets) of volumes (N, 1, D, H, W)."""
        pooled = self.features(x).mean(dim=(2, 3, 4), keepdim=True)
        return self.classifier(pooled).flatten(1)  # (N, T, 1, 1, 1) -> (N, T)
