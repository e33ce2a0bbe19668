"""A slice autoencoder with intensities 0..1 at both ends, whatever its network uses inside."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .vqgan import VQGAN


@dataclass(frozen=True)
class Affine:
    """y = scale * x + shift; a field of the card, because published models differ in it."""

    scale: float
    shift: float

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * x + self.shift


# 0..1 -> -1..1 and its exact inverse. (The paper's code decodes with (y + 2) / 4, which halves the
# contrast; a card may say so to reproduce it.)
TO_NETWORK = Affine(2.0, -1.0)
FROM_NETWORK = Affine(0.5, 0.5)


class SliceAutoencoder(nn.Module):
    """Encode and decode CT slices one by one: (N, 1, H, W) in 0..1 <-> latents (N, C, h, w).

    Parameters
    ----------
    network : VQGAN
        In eval mode, parameters frozen by this class.
    name, sha256, description : str
        For provenance.
    to_network, from_network : Affine
        Intensity mapping before the encoder and after the decoder.
    """

    def __init__(
        self,
        network: VQGAN,
        name: str = "autoencoder",
        sha256: str = "",
        description: str = "",
        to_network: Affine = TO_NETWORK,
        from_network: Affine = FROM_NETWORK,
    ):
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.name = name
        self.sha256 = sha256
        self.description = description
        self.to_network = to_network
        self.from_network = from_network

    @property
    def factor(self) -> int:
        """Pixels per latent position along height and width (f)."""
        return self.network.config.factor

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents on the codebook: (N, 1, H, W) in 0..1 -> (N, C, ceil(H/f), ceil(W/f)).

        Slices whose sides don't divide by f are padded with air at the bottom and right.
        """
        return self.network.quantize.nearest(self.encode_continuous(x))

    def encode_continuous(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents before the codebook; shapes as in `encode`."""
        bottom, right = (-x.shape[-2]) % self.factor, (-x.shape[-1]) % self.factor
        padded = F.pad(x, (0, right, 0, bottom))  # 0 is air
        return self.network.encode_continuous(self.to_network(padded))

    def decode(self, z: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """Return slices from latents; shifted latents aren't re-quantised.

        Parameters
        ----------
        z : torch.Tensor
            (N, C, h, w).
        size : tuple of int, optional
            (H, W) to cut off the padding that `encode` added; default keeps h*f, w*f.

        Returns
        -------
        torch.Tensor
            (N, 1, H, W); 0..1 up to the network's own overshoot, which isn't clipped here.
        """
        slices = self.from_network(self.network.decode(z))
        return slices if size is None else slices[..., : size[0], : size[1]]
