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

from ..rescore.segments import Layer, Segment, Window

# Bottlenecks per stage of ResNet-152, and their widths (a stage puts out four times its width).
BLOCKS, WIDTHS, EXPANSION = (3, 8, 36, 3), (64, 128, 256, 512), 4
FEATURES = EXPANSION * WIDTHS[-1]
TARGETS, EMBEDDING = 1692, 512
# Bottlenecks per segment in each stage. Between segments feature maps are kept: those of the
# unchanged volume for scoring it again, those of the forward pass for the backward pass, which
# computes each segment anew. Counted for ResNet-152, 100 x 224 x 224 in float32: scoring 10
# slices again costs 73 % of a forward pass and keeps 0.36 GB; with a segment for each bottleneck it
# would be 70 % and 0.84 GB.
GROUPS = (3, 2, 6, 3)
# Output slices that the backward pass computes at a time in stem and first stage, whose inner maps
# are the largest. Gradient of the same volume: 0.72 GB at most, of which 0.44 GB are kept maps, for
# one more forward pass; without segments and pieces 4.7 GB.
PIECE_SLICES = 8


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
        self.window = Window(3, stride, 1)  # conv2's; all else sees one slice
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


class InflatedTrunk(nn.Module):
    """Features of a volume; its parts are named as in the published file.

    For inference and for gradients with respect to the volume, in eval mode: a gradient is computed
    piece by piece, and batch statistics of a piece are not those of the volume.

    Parameters
    ----------
    blocks : tuple of int
        Bottlenecks per stage; the default is ResNet-152. Smaller ones make quick tests.
    """

    def __init__(self, blocks: tuple[int, ...] = BLOCKS):
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

    def early(self) -> tuple[Segment, ...]:
        """Return stem and first two stages, (N, 1, D, H, W) -> (N, 512, D/4, H/8, W/8).

        So far, a chunk of 10 of 100 slices leaves some slices as they were; the third stage's 36
        bottlenecks carry it everywhere.
        """
        stem = Layer(self._stem, Window(3, 1, 1)), Layer(self.maxpool, Window(3, 2, 1))
        return (Segment(stem, PIECE_SLICES), *self._stage(1, PIECE_SLICES), *self._stage(2))

    def late(self, h: torch.Tensor) -> torch.Tensor:
        """Return the last maps, (N, FEATURES, D/16, H/32, W/32), from the output of `early`."""
        return _run((*self._stage(3), *self._stage(4)), h)

    def stages(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the maps after each of the four stages of volumes (N, 1, D, H, W)."""
        h = _run(self.early()[:1], x)  # the stem
        found = []
        for number in range(1, len(BLOCKS) + 1):
            h = _run(self._stage(number), h)
            found.append(h)
        return tuple(found)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last maps of volumes (N, 1, D, H, W); see `late`."""
        return self.late(_run(self.early(), x))

    def _stem(self, x: torch.Tensor) -> torch.Tensor:
        """Return the first convolution's map; the grey volume fills all three colour channels."""
        colours = x.expand(-1, 3, -1, -1, -1)  # (N, 1, D, H, W) -> (N, 3, D, H, W), no copy
        return self.relu(self.bn1(self.conv1(colours)))

    def _stage(self, number: int, piece: int | None = None) -> tuple[Segment, ...]:
        layers = tuple(Layer(block, block.window) for block in getattr(self, f"layer{number}"))
        group = GROUPS[number - 1]
        starts = range(0, len(layers), group)
        return tuple(Segment(layers[first : first + group], piece) for first in starts)


class InflatedResNet(InflatedTrunk):
    """Logit of each target of a volume: the trunk with Merlin's two heads; see `InflatedTrunk`.

    Parameters
    ----------
    blocks : tuple of int
        Bottlenecks per stage.
    targets : int
        Outputs of the classifying head.
    """

    def __init__(self, blocks: tuple[int, ...] = BLOCKS, targets: int = TARGETS):
        super().__init__(blocks)
        self.classifier = nn.Conv3d(FEATURES, targets, 1)
        self.contrastive_head = nn.Conv3d(FEATURES, EMBEDDING, 1)

    def finish(self, h: torch.Tensor) -> torch.Tensor:
        """Return logits (N, targets) from the output of `early`."""
        pooled = self.late(h).mean(dim=(2, 3, 4), keepdim=True)
        return self.classifier(pooled).flatten(1)  # (N, T, 1, 1, 1) -> (N, T)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (N, targets) of volumes (N, 1, D, H, W)."""
        return self.finish(_run(self.early(), x))


def _run(segments: tuple[Segment, ...], x: torch.Tensor) -> torch.Tensor:
    """Run segments in a row; if a gradient is wanted, keep no more than the maps between them."""
    light = torch.is_grad_enabled() and x.requires_grad
    for segment in segments:
        x = segment.checkpointed(x) if light else segment(x)
    return x
