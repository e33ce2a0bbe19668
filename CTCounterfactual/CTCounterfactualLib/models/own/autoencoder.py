"""An autoencoder of the user's own: any module that encodes and decodes slices."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn

from ...errors import ModelError
from ..autoencoder import SliceAutoencoder
from ..faults import naming_faults
from ..guarded.calling import tensor_of
from .card import AutoencoderCard
from .source import Opened


def own_autoencoder(card: AutoencoderCard, opened: Opened) -> SliceAutoencoder:
    """Return the slice autoencoder that a card describes.

    Raises
    ------
    ModelError
        If its network lacks one of the two methods.
    """
    network = EncodeDecode(opened.network, card)
    return SliceAutoencoder(
        network,
        card.name,
        opened.sha256,
        card.description,
        card.to_network,
        card.from_network,
        card.scale,
        card.transpose,
        card.modality,
    )


class EncodeDecode(nn.Module):
    """Gives a network the methods that `SliceAutoencoder` calls, and checks what it returns.

    A network with a codebook should look codes up in `encode` (MONAI's VQVAE:
    `encode_stage_2_inputs`), or not at all: latents stay as it returns them.
    """

    def __init__(self, network: nn.Module, card: AutoencoderCard):
        super().__init__()
        for method in (card.encode, card.decode):
            if not callable(getattr(network, method, None)):
                raise ModelError(
                    f"The network of {card.name} has no method {method!r}; name its own in the "
                    f"card (`encode`, `decode`). In TorchScript, mark both @torch.jit.export."
                )
        self.network = network
        self.card = card
        self.config = SimpleNamespace(factor=card.factor)
        self.quantize = SimpleNamespace(nearest=lambda z: z)

    def encode_continuous(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents: (N, 1, H, W) -> (N, C, H/f, W/f).

        Of a pair, as a KL autoencoder returns (mean, standard deviation), the first counts.
        """
        # Each channel in memory of its own: a network may normalise them in place.
        repeated = x if self.card.channels == 1 else x.repeat(1, self.card.channels, 1, 1)
        latents = self._call(self.card.encode, repeated)
        if isinstance(latents, tuple | list) and latents:
            latents = latents[0]
        latents = tensor_of(
            latents, f"{self.card.name}.{self.card.encode}", "latents (N, C, h, w)", x
        ).to(x.dtype)
        n, _, height, width = x.shape
        factor = self.card.factor
        self._check(self.card.encode, latents, (n, None, height // factor, width // factor))
        return latents

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return slices: (N, C, h, w) -> (N, 1, h*f, w*f)."""
        slices = self._call(self.card.decode, z.clone())
        slices = tensor_of(
            slices, f"{self.card.name}.{self.card.decode}", "slices (N, channels, H, W)", z
        ).to(z.dtype)
        n, _, height, width = z.shape
        factor = self.card.factor
        self._check(
            self.card.decode, slices, (n, self.card.channels, height * factor, width * factor)
        )
        return slices.mean(1, keepdim=True)

    def _call(self, method: str, given: torch.Tensor):
        who, shapes = f"{self.card.name}.{method}", "Mend channels or factor in its card."
        with naming_faults(who, f"an input of {tuple(given.shape)}", shapes):
            return getattr(self.network, method)(given)

    def _check(self, method: str, found, expected: tuple[int | None, ...]) -> None:
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        fits = (
            isinstance(shape, tuple)
            and len(shape) == len(expected)
            and all(wanted in (None, size) for wanted, size in zip(expected, shape, strict=True))
        )
        if not fits:
            words = ", ".join("any" if size is None else str(size) for size in expected)
            raise ModelError(
                f"{self.card.name}.{method} returned {shape}; with factor {self.card.factor} and "
                f"{self.card.channels} channel(s), ({words}) was expected. Mend its card."
            )
