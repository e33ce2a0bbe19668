"""What searches begin with: the models, and the scan as both of them see it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..events import Reporter
from ..models.classifier import Classifier
from ..models.guarded.autoencoder import GuardedAutoencoder
from .gradient import as_slices, decode_slices, latent_gradient, score_volume, volume_gradient
from .region import latent_cells
from .settings import ExplainSettings


@dataclass(frozen=True)
class Models:
    """Both models of a run, and what is asked of them.

    Parameters
    ----------
    autoencoder : GuardedAutoencoder
        On `device`.
    classifier : Classifier
        On `device`, and already prepared for the scan.
    target : str
        Name of the classifier's target.
    device : torch.device
        Where the tensors live.
    logit : bool
        Whether the target is a probability that is searched on its logit.
    """

    autoencoder: GuardedAutoencoder
    classifier: Classifier
    target: str
    device: torch.device
    logit: bool = False

    def score(self, volume: torch.Tensor) -> float:
        """Return the target's score of slices (D, 1, H, W) in 0..1."""
        return score_volume(self.classifier, self.target, volume)


@dataclass(frozen=True)
class Encoded:
    """A scan before anything has moved: slices, latents, gradient, scores.

    Parameters
    ----------
    x, decoded : torch.Tensor
        (D, 1, H, W): the prepared scan (0..1), and D(E(x)), cut to 0..1 if the settings say so.
    latents, gradient : torch.Tensor
        (D, C, h, w): z, and df/dz at lambda = 0 (0 where a region forbids a change); f is the logit
        where that is searched.
    original_score, decoded_score : float
        Of x, and of D(E(x)).
    weight : torch.Tensor or None
        (D, 1, H, W), 0..1: how much of a change each voxel takes; None is all of it everywhere.
    """

    x: torch.Tensor
    decoded: torch.Tensor
    latents: torch.Tensor
    gradient: torch.Tensor
    original_score: float
    decoded_score: float
    weight: torch.Tensor | None = None


def differentiate(
    models: Models,
    settings: ExplainSettings,
    x: torch.Tensor,
    latents: torch.Tensor,
    reporter: Reporter | None = None,
    weight: torch.Tensor | None = None,
) -> Encoded:
    """Decode, score and differentiate; at the scan itself each slice is decoded once for all.

    (At the reconstruction, the classifier's gradient is wanted there, so it comes first.) For the
    parameters see `Encoded`.
    """
    autoencoder = models.autoencoder
    on_scan = settings.baseline == "scan"
    if on_scan:
        decoded = torch.empty_like(x)
    else:
        size = (x.shape[-2], x.shape[-1])
        decoded = decode_slices(autoencoder, latents, size, reporter, settings.clipped)
    begun, other = (x, decoded) if on_scan else (decoded, x)
    score, image_gradient = volume_gradient(
        models.classifier, models.target, begun, models.logit
    )
    cells = None
    if weight is not None:
        seen = autoencoder.on_network_grid(weight)[:, 0].cpu().numpy()
        cells = as_slices(latent_cells(seen, autoencoder.factor), models.device)
    gradient = latent_gradient(
        autoencoder, latents, image_gradient, reporter, weight, cells,
        decoded if on_scan else None, settings.clipped,
    )
    scores = score, models.score(other)
    original_score, decoded_score = scores if on_scan else scores[::-1]
    return Encoded(x, decoded, latents, gradient, original_score, decoded_score, weight)
