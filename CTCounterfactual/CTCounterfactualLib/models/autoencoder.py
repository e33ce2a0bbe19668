"""A slice autoencoder with intensities 0..1 at both ends, whatever its network uses inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn import functional as F

from ..scans.modality import CT


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


class AutoencoderLike(Protocol):
    """What an object needs to move slices; `SliceAutoencoder` has it around a network.

    Optional: `name`, `description`, `sha256`, `modality` (default: CT), and `on_network_grid`
    where the network sees slices resized or turned. Networks among its attributes are moved to the
    run's device and back.
    """

    @property
    def factor(self) -> int:
        """Pixels per latent position along height and width (f)."""

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents of floats: (N, 1, H, W) in 0..1 -> (N, C, ceil(H/f), ceil(W/f))."""

    def decode(self, z: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """Return slices (N, 1, *size), about 0..1, differentiable in the latents (N, C, h, w)."""


class SliceAutoencoder(nn.Module):
    """Encode and decode CT slices one by one: (N, 1, H, W) in 0..1 <-> latents (N, C, h, w).

    Parameters
    ----------
    network : torch.nn.Module
        A VQ-GAN, or what has its methods `encode_continuous`, `decode` and `quantize.nearest`, and
        its `config.factor`. Put into eval mode, parameters frozen.
    name, sha256, description : str
        For provenance.
    to_network, from_network : Affine
        Intensity mapping before the encoder and after the decoder.
    scale : float
        Slices are resized by this factor before the encoder and back after the decoder; 1 for none.
        (The paper's network saw 224 pixels as 256.)
    transpose : bool
        The network saw slices with rows and columns exchanged (the paper's "legacy orientation").
    modality : str
        Of the slices that it draws.
    """

    def __init__(
        self,
        network: nn.Module,
        name: str = "autoencoder",
        sha256: str = "",
        description: str = "",
        to_network: Affine = TO_NETWORK,
        from_network: Affine = FROM_NETWORK,
        scale: float = 1.0,
        transpose: bool = False,
        modality: str = CT,
    ):
        super().__init__()
        self.network: Any = network.eval().requires_grad_(False)
        if getattr(network, "channels_innermost", False):
            # Channels innermost: convolutions 1.1 to 1.4 times as fast on a CPU, same numbers.
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.name = name
        self.sha256 = sha256
        self.description = description
        self.to_network = to_network
        self.from_network = from_network
        self.scale = scale
        self.transpose = transpose
        self.modality = modality

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
        return self.network.encode_continuous(self.to_network(self.on_network_grid(x)))

    def on_network_grid(self, x: torch.Tensor) -> torch.Tensor:
        """Return slices (N, 1, H, W) as the network sees them: resized, turned, padded by air."""
        x = self._resize(x, self._inner_size((x.shape[-2], x.shape[-1])))
        if self.transpose:
            x = x.transpose(-2, -1)  # (N, 1, H, W) -> (N, 1, W, H)
        bottom, right = (-x.shape[-2]) % self.factor, (-x.shape[-1]) % self.factor
        return F.pad(x, (0, right, 0, bottom))

    def decode(self, z: torch.Tensor, size: Sequence[int] | None = None) -> torch.Tensor:
        """Return slices from latents; shifted latents aren't re-quantised.

        Parameters
        ----------
        z : torch.Tensor
            (N, C, h, w).
        size : sequence of int, optional
            (H, W) of the slices that were encoded: cuts off the padding that `encode` added and
            undoes its resizing. The default keeps h*f, w*f, for a network without resizing.

        Returns
        -------
        torch.Tensor
            (N, 1, H, W); 0..1 up to the network's own overshoot, which isn't clipped here.
        """
        slices = self.from_network(self.network.decode(z))
        if self.transpose:
            slices = slices.transpose(-2, -1)
        if size is None:
            return slices
        height, width = size
        inner = self._inner_size((height, width))
        return self._resize(slices[..., : inner[0], : inner[1]], (height, width))

    def _inner_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the size (H, W) at which the network sees slices of `size`."""
        height, width = (round(n * self.scale) for n in size)
        return height, width

    def _resize(self, x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        if x.shape[-2:] == tuple(size):
            return x
        return F.interpolate(x, size, mode="bilinear", antialias=True)
