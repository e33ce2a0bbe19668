"""Gradients of the score: all slices' latents from one classifier backward.

The decoder works slice by slice, so for every slice k

    df/dz_k = J_D(z_k)^T (df/dx)_k

with J_D the decoder's Jacobian. One forward and backward of the classifier with respect to its
input volume gives (df/dx) of all slices; the decoder's vector-Jacobian product then runs a few
slices at a time. This is exact, and the memory doesn't depend on how many slices get a gradient.
(The paper's code backpropagates through classifier and decoder together, which caps a chunk at
about 10 slices on 32 GB.)
"""

from __future__ import annotations

import torch

from ..events import Reporter
from ..models.autoencoder import SliceAutoencoder
from ..models.classifier import Classifier

# Slices per decoder call: enough to keep two cores busy, little enough for a small GPU.
SLICE_BATCH = 4


def as_batch(volume: torch.Tensor) -> torch.Tensor:
    """Return slices (D, 1, H, W) as a batch of one volume (1, 1, D, H, W); shares memory."""
    return volume.transpose(0, 1)[None]  # (D, 1, H, W) -> (1, D, H, W) -> (1, 1, D, H, W)


@torch.inference_mode()
def score_volume(classifier: Classifier, target: str, volume: torch.Tensor) -> float:
    """Return the score of one volume given as slices (D, 1, H, W) in 0..1."""
    return float(classifier.score(as_batch(volume), target)[0])


def volume_gradient(
    classifier: Classifier, target: str, volume: torch.Tensor
) -> tuple[float, torch.Tensor]:
    """Return the score and its gradient with respect to every voxel: float, (D, 1, H, W)."""
    x = volume.detach().clone().requires_grad_(True)
    score = classifier.score(as_batch(x), target)[0]
    (gradient,) = torch.autograd.grad(score, x)
    return float(score.detach()), gradient


def latent_gradient(
    autoencoder: SliceAutoencoder,
    latents: torch.Tensor,
    image_gradient: torch.Tensor,
    reporter: Reporter | None = None,
    weight: torch.Tensor | None = None,
    cells: torch.Tensor | None = None,
) -> torch.Tensor:
    """Pull a gradient in the image back to the latents, a few slices at a time.

    Through x + w (D(z) - D(z0)) where a region restricts the change; its g = m J_D^T (w df/dx).

    Parameters
    ----------
    autoencoder : SliceAutoencoder
        Its decoder is differentiated.
    latents : torch.Tensor
        (D, C, h, w).
    image_gradient : torch.Tensor
        (D, 1, H, W), df/dx.
    weight : torch.Tensor, optional
        (D, 1, H, W), 0..1: w, how much of a change each voxel takes; None is all of it.
    cells : torch.Tensor, optional
        (D, 1, h, w), bool: m, the latents that may move; None is all.

    Returns
    -------
    torch.Tensor
        (D, C, h, w), df/dz.
    """
    size = tuple(image_gradient.shape[-2:])
    if weight is not None:
        image_gradient = weight * image_gradient
    gradient = torch.empty_like(latents)
    for start in range(0, len(latents), SLICE_BATCH):
        part = slice(start, start + SLICE_BATCH)
        if reporter is not None:
            reporter.check()
        if not image_gradient[part].any():
            gradient[part] = 0  # the classifier doesn't see these slices
            continue
        z = latents[part].detach().clone().requires_grad_(True)
        decoded = autoencoder.decode(z, size)
        (gradient[part],) = torch.autograd.grad(decoded, z, grad_outputs=image_gradient[part])
    return gradient if cells is None else gradient * cells


@torch.inference_mode()
def encode_slices(
    autoencoder: SliceAutoencoder, volume: torch.Tensor, reporter: Reporter | None = None
) -> torch.Tensor:
    """Encode all slices: (D, 1, H, W) in 0..1 -> latents (D, C, h, w)."""
    return _by_slices(autoencoder.encode, volume, reporter)


@torch.inference_mode()
def decode_slices(
    autoencoder: SliceAutoencoder,
    latents: torch.Tensor,
    size: tuple[int, int],
    reporter: Reporter | None = None,
) -> torch.Tensor:
    """Decode all slices: (D, C, h, w) -> (D, 1, H, W), clipped to 0..1."""
    return _by_slices(lambda z: autoencoder.decode(z, size).clamp(0, 1), latents, reporter)


def _by_slices(function, tensor: torch.Tensor, reporter: Reporter | None) -> torch.Tensor:
    parts = []
    for part in tensor.split(SLICE_BATCH):
        parts.append(function(part))
        if reporter is not None:
            reporter.check()
    return torch.cat(parts)
