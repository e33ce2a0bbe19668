"""LPIPS: VGG-16's features, weighted as people judge photographs, from a file of the user's.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018.
The weights aren't in a wheel; whoever has a taming-transformers checkpoint has them in it
(`loss.perceptual_loss.*`), and a state dict of the same names, with or without the prefix, will do.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from ...errors import ModelError, SettingsError
from ...models.files.checkpoints import read_state_dict
from .features import PerceptualLoss, three_channels

PREFIX = "loss.perceptual_loss."
# As published: photographs in -1..1 are shifted and scaled by these, channel by channel.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
# Numbers of VGG-16's convolutions among its layers, by the slice that ends with a counted map.
SLICES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
WIDTHS = (64, 128, 256, 512, 512)


class LPIPSLoss(PerceptualLoss):
    """Features of VGG-16 at five depths.

    Parameters
    ----------
    path : str
        A taming-transformers checkpoint, or a state dict of LPIPS' own names.

    Raises
    ------
    SettingsError
        Without a file.
    ModelError
        If it lacks the weights.
    """

    def __init__(self, path: str):
        super().__init__()
        if not path:
            raise SettingsError(
                "The perceptual loss lpips needs perceptual_weights: a taming-transformers "
                "checkpoint, or LPIPS' state dict. Without one take efficientnet or none."
            )
        tensors = {
            name.removeprefix(PREFIX): tensor
            for name, tensor in read_state_dict(Path(path))[0].items()
        }
        self.convolutions = nn.ModuleDict()
        self._channels: list[str] = []
        inputs = 3
        for number, (layers, width) in enumerate(zip(SLICES, WIDTHS, strict=True)):
            for layer in layers:
                convolution = nn.Conv2d(inputs, width, 3, padding=1)
                for part in ("weight", "bias"):
                    tensor = _found(tensors, rf"net\.slice{number + 1}\.{layer}\.{part}", path)
                    _fill(getattr(convolution, part), tensor, path)
                self.convolutions[str(layer)] = convolution
                inputs = width
            name = f"channels{number}"
            weight = _found(tensors, rf"lin{number}\.model\.1\.weight", path)
            self.register_buffer(name, weight.float().flatten().clamp(min=0))
            self._channels.append(name)

    def maps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps before each pooling and the last ones."""
        h, found = three_channels(x * 2 - 1, SHIFT, SCALE), []
        for number, layers in enumerate(SLICES):
            h = F.max_pool2d(h, 2) if number else h
            for layer in layers:
                h = F.relu(self.convolutions[str(layer)](h))
            found.append(h)
        return found

    def weights(self) -> list[torch.Tensor]:
        """Return the channels' weights."""
        return [getattr(self, name) for name in self._channels]


def _found(tensors: dict[str, torch.Tensor], pattern: str, path: str) -> torch.Tensor:
    for name, tensor in tensors.items():
        if re.fullmatch(pattern, name):
            return tensor
    words = pattern.replace("\\", "")
    raise ModelError(
        f"{path} holds no weights of LPIPS: {words} is missing. A taming-transformers checkpoint "
        f"(with its loss) or LPIPS' state dict is expected."
    )


def _fill(parameter: torch.Tensor, tensor: torch.Tensor, path: str) -> None:
    if parameter.shape != tensor.shape:
        raise ModelError(
            f"{path}: a tensor of {tuple(tensor.shape)} where LPIPS has {tuple(parameter.shape)}."
        )
    with torch.no_grad():
        parameter.copy_(tensor)
