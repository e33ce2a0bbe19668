"""Gradients of the score: all slices' latents from one classifier backward.

The decoder works slice by slice, so for every slice k

    df/dz_k = J_D(z_k)^T (df/dx)_k

with J_D the decoder's Jacobian. One forward and backward of the classifier with respect to its
input volume gives (df/dx) of all slices; the decoder's vector-Jacobian product then runs a few
slices at a time. This is exact, and the memory doesn't depend on how many slices get a gradient.
(The paper's code backpropagates through classifier and decoder together, which caps a chunk at
about 10 slices on 32 GB.)

D stands for the decoder's picture as it is used: as it comes (the paper), or cut to 0..1
(`ExplainSettings.clipped`). Where a picture is cut no latent moves it, so such a voxel has no part
in the gradient; at exactly 0 and 1 the slope inwards counts, as torch's `clamp` has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from ..errors import ModelError
from ..events import Reporter
from ..models.autoencoder import AutoencoderLike
from ..models.classifier import Classifier
from ..models.faults import GRADIENT_CUT, NO_GRADIENT_IN_DECODE, NO_GRADIENT_TO_TAKE, naming_faults
from .batches import SliceBatches
from .search.logit import LEAST_PROBABILITY


def as_slices(volume: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return (K, J, I) as (D, 1, H, W) on a device: a slice is one channel of an image."""
    return torch.from_numpy(volume)[:, None].to(device)


def as_batch(volume: torch.Tensor) -> torch.Tensor:
    """Return slices (D, 1, H, W) as a batch of one volume (1, 1, D, H, W); shares memory."""
    return volume.transpose(0, 1)[None]  # (D, 1, H, W) -> (1, D, H, W) -> (1, 1, D, H, W)


@torch.inference_mode()
def score_volume(classifier: Classifier, target: str, volume: torch.Tensor) -> float:
    """Return the score of one volume given as slices (D, 1, H, W) in 0..1."""
    return finite(float(classifier.score(as_batch(volume), target)[0]), classifier)


def volume_gradient(
    classifier: Classifier, target: str, volume: torch.Tensor, logit: bool = False
) -> tuple[float, torch.Tensor]:
    """Return the score and its gradient with respect to every voxel: float, (D, 1, H, W).

    With `logit` the score is a probability p, and the gradient is that of log(p / (1 - p)): the
    factor 1 / (p (1 - p)) undoes what a sigmoid did to the gradient, to rounding. Where p is so
    near 0 or 1 that its precision has lost it, the gradient is that of p.
    """
    x = volume.detach().clone().requires_grad_(True)
    score = classifier.score(as_batch(x), target)[0]
    who = f"Classifier {classifier.name}"
    if not score.requires_grad:
        raise ModelError(f"{who}: {NO_GRADIENT_TO_TAKE}")
    differentiated = score
    if logit and LEAST_PROBABILITY <= float(score.detach()) < 1:
        differentiated = torch.logit(score.double())
    with naming_faults(who, f"the gradient at {tuple(volume.shape)}", GRADIENT_CUT):
        (gradient,) = torch.autograd.grad(differentiated, x, allow_unused=True)
    if gradient is None:
        raise ModelError(f"{who}: {GRADIENT_CUT}")
    if not gradient.isfinite().all():
        raise ModelError(
            f"The gradient of classifier {classifier.name} holds numbers that aren't finite, so it "
            f"gives no direction to move in. Choose another target, or mend the model (a logarithm "
            f"or root of 0?)."
        )
    return finite(float(score.detach()), classifier), gradient


def finite(score: float, classifier: Classifier) -> float:
    """Return a score; raise `ModelError` if it is NaN or infinite."""
    if not math.isfinite(score):
        raise ModelError(
            f"Classifier {classifier.name} gives {score} where a finite score was expected. Choose "
            f"another target, or mend the model (a logarithm or quotient of 0?)."
        )
    return score


def latent_gradient(
    autoencoder: AutoencoderLike,
    latents: torch.Tensor,
    image_gradient: torch.Tensor,
    reporter: Reporter | None = None,
    weight: torch.Tensor | None = None,
    cells: torch.Tensor | None = None,
    decoded: torch.Tensor | None = None,
    clipped: bool = False,
) -> torch.Tensor:
    """Pull a gradient in the image back to the latents, a few slices at a time.

    Through x + w (D(z) - D(z0)) where a region restricts the change; its g = m J_D^T (w df/dx).

    Parameters
    ----------
    autoencoder : AutoencoderLike
        Its decoder is differentiated.
    latents : torch.Tensor
        (D, C, h, w).
    image_gradient : torch.Tensor
        (D, 1, H, W), df/dx.
    weight : torch.Tensor, optional
        (D, 1, H, W), 0..1: w, how much of a change each voxel takes; None is all of it.
    cells : torch.Tensor, optional
        (D, 1, h, w), bool: m, the latents that may move; None is all.
    decoded : torch.Tensor, optional
        (D, 1, H, W), filled with D(z): differentiating a slice decodes it anyhow.
    clipped : bool
        Whether D is the decoder's picture cut to 0..1, as in `decode_slices`.

    Returns
    -------
    torch.Tensor
        (D, C, h, w), df/dz.
    """
    size = (image_gradient.shape[-2], image_gradient.shape[-1])
    gradient = torch.zeros_like(latents)

    def work(part: slice) -> bool:
        cotangent = image_gradient[part]
        if weight is not None:
            cotangent = weight[part] * cotangent
        seen = bool(cotangent.any())  # or the classifier doesn't react to these slices
        if not seen and decoded is None:
            return False
        with torch.set_grad_enabled(seen):
            z = latents[part].detach().clone().requires_grad_(seen)
            slices = autoencoder.decode(z, size)
            if clipped:
                slices = slices.clamp(0, 1)
        if seen:
            pulled = _pulled_back(autoencoder, slices, z, cotangent)
            gradient[part] = pulled if cells is None else pulled * cells[part]
        if decoded is not None:
            decoded[part] = slices.detach()
        return seen

    SliceBatches(size, latents.device, reporter).run(0, len(latents), work)
    return gradient


def _pulled_back(
    autoencoder: AutoencoderLike,
    slices: torch.Tensor,
    z: torch.Tensor,
    cotangent: torch.Tensor,
) -> torch.Tensor:
    """Return the decoder's vector-Jacobian product, finite, of the shape of `z`."""
    name = getattr(autoencoder, "name", type(autoencoder).__name__)  # the interface needs none
    who = f"Autoencoder {name}"
    if not slices.requires_grad:
        raise ModelError(f"{who}: {NO_GRADIENT_IN_DECODE}")
    with naming_faults(who, f"the gradient at latents of {tuple(z.shape)}", NO_GRADIENT_IN_DECODE):
        (pulled,) = torch.autograd.grad(slices, z, grad_outputs=cotangent, allow_unused=True)
    if pulled is None:
        raise ModelError(f"{who}: {NO_GRADIENT_IN_DECODE}")
    if not pulled.isfinite().all():
        raise ModelError(
            f"The gradient of autoencoder {name} holds numbers that aren't finite. "
            f"Look for divisions by 0, roots or logarithms of 0 in its decoder."
        )
    return pulled


@torch.inference_mode()
def encode_slices(
    autoencoder: AutoencoderLike, volume: torch.Tensor, reporter: Reporter | None = None
) -> torch.Tensor:
    """Encode all slices: (D, 1, H, W) in 0..1 -> latents (D, C, h, w)."""
    return _by_slices(autoencoder.encode, volume, (volume.shape[-2], volume.shape[-1]), reporter)


@torch.inference_mode()
def decode_slices(
    autoencoder: AutoencoderLike,
    latents: torch.Tensor,
    size: tuple[int, int],
    reporter: Reporter | None = None,
    clipped: bool = False,
) -> torch.Tensor:
    """Decode all slices: (D, C, h, w) -> (D, 1, H, W), cut to 0..1 if `clipped`."""

    def decode(z: torch.Tensor) -> torch.Tensor:
        slices = autoencoder.decode(z, size)
        return slices.clamp_(0, 1) if clipped else slices

    return _by_slices(decode, latents, size, reporter)


def _by_slices(
    function: Callable[[torch.Tensor], torch.Tensor],
    tensor: torch.Tensor,
    size: tuple[int, int],
    reporter: Reporter | None,
) -> torch.Tensor:
    parts: list[torch.Tensor] = []
    batches = SliceBatches(size, tensor.device, reporter)
    batches.run(0, len(tensor), lambda part: parts.append(function(tensor[part])))
    return torch.cat(parts)
