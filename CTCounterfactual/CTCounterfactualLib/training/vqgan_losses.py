"""From crops to the losses of the VQ-GAN: encode, quantise, decode, judge, and weigh."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..models.vqgan.network import VQGAN
from . import losses
from .codebook import EMA, CodebookKeeper
from .discriminator import PatchDiscriminator
from .machine import Machine
from .perceptual.perceptual import load_perceptual
from .train_settings import TrainSettings


@dataclass(frozen=True)
class Drawn:
    """What crops (N, 1, H, W) became.

    Parameters
    ----------
    decoded : torch.Tensor
        (N, 1, H, W), about 0..1.
    latents : torch.Tensor
        (N, E, h, w), before the codebook, detached.
    terms : dict
        Losses by name, not weighed.
    """

    decoded: torch.Tensor
    latents: torch.Tensor
    terms: dict[str, torch.Tensor]


class VQGANLosses:
    """Losses of a network with its adversary and codebook.

    Attributes
    ----------
    balance : float
        What the adversary's weight was last multiplied by; 1 where it isn't adaptive.
    """

    def __init__(
        self,
        net: VQGAN,
        judge: PatchDiscriminator,
        codebook: CodebookKeeper,
        settings: TrainSettings,
        machine: Machine,
    ):
        self.net, self.judge, self.codebook = net, judge, codebook
        self.settings, self.machine = settings, machine
        self.perceptual = load_perceptual(settings.perceptual, settings.perceptual_weights)
        if self.perceptual is not None:
            self.perceptual.to(machine.device)
        self.balance = 1.0

    def drawn(self, real: torch.Tensor, noise: torch.Tensor, adversarial: bool) -> Drawn:
        """Draw crops (N, 1, H, W), 0..1, with noise (N, E, h, w) of unit size on their latents."""
        with self.machine.mixed():
            decoded, latents, of_codes = self._autoencoded(real, noise)
            terms = {
                "pixel": losses.pixel_loss(decoded, real),
                "edge": losses.edge_loss(decoded, real),
                **of_codes,
            }
            if self.perceptual is not None:
                terms["perceptual"] = self.perceptual(decoded, real)
            if adversarial:
                fake, true = self.judge(decoded), self.judge(real)
                terms["feature"] = losses.feature_loss(fake, true)
                terms["adversarial"] = losses.generator_loss(fake)
        if adversarial and self.settings.losses.adaptive:
            self.balance = self._adaptive_balance(terms)
        return Drawn(decoded, latents, terms)

    def total(self, terms: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the sum of weighed terms."""
        weighed = [self._weight(name) * term for name, term in terms.items()]
        return sum(weighed[1:], weighed[0])

    def judged(self, real: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
        """Return the adversary's own loss."""
        with self.machine.mixed():
            return losses.discriminator_loss(self.judge(decoded), self.judge(real))

    def _weight(self, name: str) -> float:
        weight = getattr(self.settings.losses, name)
        return weight * self.balance if name == "adversarial" else weight

    def _adaptive_balance(self, terms: dict[str, torch.Tensor]) -> float:
        """Return the ratio of the gradients' norms at the decoder's last layer.

        Source: Esser et al., CVPR 2021, equation 7.
        """
        last = self.net.decoder.conv_out.weight
        drawing = {name: terms[name] for name in losses.DRAWING_TERMS if name in terms}
        norms = []
        for term in (self.total(drawing), terms["adversarial"]):
            (gradient,) = torch.autograd.grad(term, last, retain_graph=True)
            norms.append(self.machine.mean(gradient).norm())
        return float(losses.balance(*norms))

    def _autoencoded(
        self, real: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """Encode, quantise with a straight-through gradient, and decode."""
        quantize = self.net.quantize
        latents = quantize.project(self.net.encode_continuous(real * 2 - 1).float())
        indices = quantize.indices(latents.detach())
        codes = quantize.lookup(indices)
        commitment, codebook = losses.quantisation_losses(latents, codes)
        if self.settings.codebook_update == EMA:
            codebook = codebook.detach()
        self.codebook.count(latents.detach(), indices)
        straight = latents + (codes - latents).detach()
        # Divided by the root of a code's dimension, so that the noise's length is `latent_noise`.
        scale = self.settings.latent_noise / quantize.embedding.embedding_dim**0.5
        straight = straight + scale * noise
        decoded = (self.net.decode(straight).float() + 1) / 2
        return decoded, latents.detach(), {"commitment": commitment, "codebook": codebook}
