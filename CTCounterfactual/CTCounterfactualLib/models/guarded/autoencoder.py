"""Slice autoencoders as the engine sees them: finite slices of the right shape, faults named."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from ...errors import ModelError
from ...scans.modality import CT
from ..autoencoder import AutoencoderLike, SliceAutoencoder
from ..faults import NO_GRADIENT_IN_DECODE, naming_faults
from ..vqgan.network import VQGAN
from .calling import describe, ordinary_tensors, tensor_of, wants_gradient

_INTERFACE = (
    "expected a name of the catalogue, the path of a card, or an object with encode(x), "
    "decode(z, size) and `factor`, as `models.autoencoder.AutoencoderLike` says"
)
_SHAPES = "Does it take slices (N, 1, H, W) of any size, and is `factor` right?"


def require_autoencoder(autoencoder: Any) -> AutoencoderLike:
    """Return an object; raise `ModelError` unless it has a slice autoencoder's interface."""
    if isinstance(autoencoder, type):
        raise ModelError(
            f"The class {autoencoder.__name__} was given as an autoencoder; make an object of it: "
            f"{autoencoder.__name__}(...)."
        )
    for method in ("encode", "decode"):
        if not callable(getattr(autoencoder, method, None)):
            raise ModelError(
                f"A {type(autoencoder).__name__} is no slice autoencoder: it has no method "
                f"{method!r}; {_INTERFACE}."
            )
    factor = getattr(autoencoder, "factor", None)
    if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
        raise ModelError(
            f"The `factor` of autoencoder {type(autoencoder).__name__} is {describe(factor)}; "
            f"expected the pixels per latent position, a whole number of 1 or more."
        )
    return autoencoder


class GuardedAutoencoder:
    """Calls an autoencoder and checks what it returns; one that isn't ours gets copies.

    Parameters
    ----------
    inner : AutoencoderLike
        Ours is only a `SliceAutoencoder` around a `VQGAN`: it gets its tensors as they are.
    """

    def __init__(self, inner: AutoencoderLike):
        require_autoencoder(inner)
        self.inner = inner
        self.name = str(getattr(inner, "name", None) or type(inner).__name__)
        self.description = str(getattr(inner, "description", None) or "")
        self.sha256 = str(getattr(inner, "sha256", None) or "")
        self.modality = str(getattr(inner, "modality", CT))
        self.factor: int = inner.factor
        self.ours = (
            type(inner) is SliceAutoencoder and type(getattr(inner, "network", None)) is VQGAN
        )

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents (N, C, h, w) of slices (N, 1, H, W); see `SliceAutoencoder.encode`.

        Raises
        ------
        ModelError
            That names the autoencoder and what to mend in it.
        """
        if self.ours:
            return self._finite("encode", self.inner.encode(x))
        who = f"Autoencoder {self.name}"
        with ordinary_tensors(False), naming_faults(who, f"slices of {tuple(x.shape)}", _SHAPES):
            latents = self.inner.encode(x.clone())
        wanted = f"latents ({len(x)}, C, h, w)"
        latents = tensor_of(latents, f"{who}.encode", wanted, x)
        if latents.ndim != 4 or len(latents) != len(x):
            raise ModelError(
                f"{who}.encode returned {tuple(latents.shape)}; expected {wanted}, one a slice."
            )
        return self._finite("encode", latents.detach().to(x.dtype).clone())

    def decode(self, z: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """Return slices (N, 1, H, W) from latents; see `SliceAutoencoder.decode`.

        Raises
        ------
        ModelError
            As `encode`; also if slices are to be differentiated and have no gradient.
        """
        if self.ours:
            return self._finite("decode", self.inner.decode(z, size))
        gradient = wants_gradient(z)
        who = f"Autoencoder {self.name}"
        given = f"latents of {tuple(z.shape)}"
        with ordinary_tensors(gradient), naming_faults(who, given, _SHAPES):
            slices = self.inner.decode(z.clone(), size)
        wanted = f"slices ({len(z)}, 1, H, W)"
        slices = tensor_of(slices, f"{who}.decode", wanted, z)
        expected = (len(z), 1, *(slices.shape[-2:] if size is None else size))
        if tuple(slices.shape) != expected:
            raise ModelError(
                f"{who}.decode returned {tuple(slices.shape)}; expected {expected}, the size of "
                f"what was encoded. {_SHAPES}"
            )
        if gradient and not slices.requires_grad:
            raise ModelError(f"{who}: {NO_GRADIENT_IN_DECODE}")
        # A copy: it may have returned what it keeps, or its input.
        return self._finite("decode", slices.to(z.dtype).clone())

    def on_network_grid(self, x: torch.Tensor) -> torch.Tensor:
        """Return slices as the network sees them; by default padded by air to the factor."""
        if hasattr(self.inner, "on_network_grid"):
            return self.inner.on_network_grid(x if self.ours else x.clone())
        bottom, right = (-x.shape[-2]) % self.factor, (-x.shape[-1]) % self.factor
        return F.pad(x, (0, right, 0, bottom))

    def _finite(self, method: str, found: torch.Tensor) -> torch.Tensor:
        if not bool(found.detach().isfinite().all()):
            raise ModelError(
                f"Autoencoder {self.name}.{method} gives NaN or infinite values. Look for NaN in "
                f"its weights, and for divisions by 0, roots or logarithms of 0 or less; "
                f"check-model tries it out."
            )
        return found
