"""What all perceptual losses have in common: how differences of features are counted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

# Keeps the length of a place without any feature from being 0.
LEAST_LENGTH = 1e-10


class PerceptualLoss(nn.Module):
    """The mean over layers of the mean squared difference of features, each place of length 1.

    Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
    CVPR 2018, equation 1. Networks are frozen, in eval mode, and see float32.
    """

    def maps(self, x: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return maps (N, C, ...) of several depths of crops (N, 1, H, W), 0..1."""
        raise NotImplementedError

    def weights(self) -> Sequence[torch.Tensor] | None:
        """Return how much the channels of each layer count, (C,); None: all the same."""
        return None

    def forward(self, drawn: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Return the loss of crops (N, 1, H, W), 0..1; differentiable in `drawn`."""
        with torch.autocast(drawn.device.type, enabled=False):
            with torch.no_grad():
                wanted = [_unit(part) for part in self.maps(real.float())]
            found = [_unit(part) for part in self.maps(drawn.float())]
            weights = self.weights() or [torch.ones((), device=drawn.device)] * len(found)
            terms = []
            for one, other, weight in zip(found, wanted, weights, strict=True):
                each = (one - other).square()
                if weight.ndim:
                    each = each * weight.view(1, -1, *(1,) * (each.ndim - 2))
                terms.append(each.sum(1).mean())
            return torch.stack(terms).mean()

    def train(self, mode: bool = True) -> PerceptualLoss:
        """Stay in eval mode."""
        return super().train(False)


def three_channels(
    x: torch.Tensor, mean: Sequence[float], deviation: Sequence[float]
) -> torch.Tensor:
    """Return grey crops (N, 1, H, W) as a network for photographs takes them, (N, 3, H, W)."""
    middle, width = (x.new_tensor(values).view(1, 3, 1, 1) for values in (mean, deviation))
    return (x.expand(-1, 3, -1, -1) - middle) / width


def _unit(maps: torch.Tensor) -> torch.Tensor:
    return maps / (maps.square().sum(1, keepdim=True) + LEAST_LENGTH).sqrt()
