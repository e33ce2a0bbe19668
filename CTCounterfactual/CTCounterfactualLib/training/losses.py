"""Losses of the VQ-GAN: pixels, edges, features, adversary and codebook."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ..checked import check_limits, take_types
from ..limits import COUNT

# Terms that make the picture like the slice; the adversary is balanced against them.
DRAWING_TERMS = ("pixel", "edge", "perceptual", "feature")
# As published.
LEAST_NORM, MOST_BALANCE = 1e-4, 1e4


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term in the autoencoder's loss.

    `perceptual` counts where a perceptual loss is chosen (`TrainSettings.perceptual`).
    `commitment` is the beta of van den Oord et al. 2017. The adversarial terms join at
    `adversarial_start`, the share of training after which pixels alone no longer teach
    much; above 1: never. `adaptive` scales the adversary's weight so that its gradient at the
    decoder's last layer is as long as that of the terms that draw (`balance`).
    """

    pixel: float = 1.0
    edge: float = 1.0
    feature: float = 2.0
    perceptual: float = 0.5
    adversarial: float = 0.03
    commitment: float = 0.25
    codebook: float = 1.0
    adversarial_start: float = 0.3
    adaptive: bool = False

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(
            self,
            pixel=COUNT,
            edge=COUNT,
            feature=COUNT,
            perceptual=COUNT,
            adversarial=COUNT,
            commitment=COUNT,
            codebook=COUNT,
            adversarial_start=COUNT,
        )


def pixel_loss(decoded: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference."""
    return F.l1_loss(decoded, real)


def edge_loss(decoded: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the in-plane finite differences (Mathieu et al., 2016)."""
    error = decoded - real
    return error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


def feature_loss(fake: list[torch.Tensor], real: list[torch.Tensor]) -> torch.Tensor:
    """Mean absolute difference of the discriminator's activations (its scores left out)."""
    terms = [F.l1_loss(f, r.detach()) for f, r in zip(fake[:-1], real[:-1], strict=True)]
    return torch.stack(terms).mean()


def generator_loss(fake: list[torch.Tensor]) -> torch.Tensor:
    """Hinge loss of the decoder: raise the patch scores of what it decodes."""
    return -fake[-1].mean()


def balance(drawing: torch.Tensor, adversarial: torch.Tensor) -> torch.Tensor:
    """Return how often the adversary's gradient goes into that of the drawing terms, by norms."""
    return (drawing / (adversarial + LEAST_NORM)).clamp(0.0, MOST_BALANCE).detach()


def discriminator_loss(fake: list[torch.Tensor], real: list[torch.Tensor]) -> torch.Tensor:
    """Hinge loss of the discriminator (Lim and Ye, "Geometric GAN", 2017)."""
    return 0.5 * (F.relu(1 - real[-1]).mean() + F.relu(1 + fake[-1]).mean())


def quantisation_losses(
    latents: torch.Tensor, codes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (commitment, codebook): each moves one of the pair towards the other, detached."""
    return F.mse_loss(latents, codes.detach()), F.mse_loss(codes, latents.detach())
