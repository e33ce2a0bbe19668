"""What searches begin with: the models, and the scan as both of them see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..events import Reporter
from ..models.classifier import Classifier
from ..models.guarded.autoencoder import GuardedAutoencoder
from . import steps
from .direction import sign
from .focus import find_focus
from .gradient import as_slices, decode_slices, latent_gradient, score_volume, volume_gradient
from .prior import covariance, plausible
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
        (D, C, h, w): z, and the direction of steps at lambda = 0: df/dz (0 where a region forbids a
        change), or with setting `step` at `prior` what `prior` makes of it; f is the logit
        where that is searched.
    original_score, decoded_score : float
        Of x, and of D(E(x)).
    weight : torch.Tensor or None
        (D, 1, H, W), 0..1: how much of a change each voxel may take; None is all of it everywhere.
    focus : torch.Tensor or None
        The same, of what the run found for itself; see `focus`. The change limit is relative to
        what may change, not to this.
    part : torch.Tensor or None
        The same, of a part that is looked at by itself, in place of `weight`, to which the change
        limit stays relative; see `within`.
    image_gradient : torch.Tensor or None
        (D, 1, H, W): df/dx of the scan, for other parts of it; None at the reconstruction.
    """

    x: torch.Tensor
    decoded: torch.Tensor
    latents: torch.Tensor
    gradient: torch.Tensor
    original_score: float
    decoded_score: float
    weight: torch.Tensor | None = None
    focus: torch.Tensor | None = None
    part: torch.Tensor | None = None
    image_gradient: torch.Tensor | None = None

    @property
    def allowed(self) -> torch.Tensor | None:
        """How much of a change each voxel may take: of the part, or else of all that may change."""
        return self.weight if self.part is None else self.part

    def taken(self, numbers: slice | torch.Tensor) -> torch.Tensor | None:
        """Return how much of a change each voxel of some slices takes: (n, 1, H, W), or None."""
        return _product(*(w if w is None else w[numbers] for w in (self.allowed, self.focus)))


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
    steps.SCORE_GRADIENT.work(reporter, "Asking the classifier which way its score goes")
    score, image_gradient = volume_gradient(models.classifier, models.target, begun, models.logit)

    encoded = Encoded(x, decoded, latents, latents, 0.0, 0.0, weight, image_gradient=image_gradient)
    gradient, focus = _steps(models, settings, encoded, reporter, fill_decoded=on_scan)
    scores = score, models.score(other)
    original_score, decoded_score = scores if on_scan else scores[::-1]
    return replace(
        encoded,
        gradient=gradient,
        focus=focus,
        original_score=original_score,
        decoded_score=decoded_score,
        image_gradient=image_gradient if on_scan else None,
    )


def within(
    models: Models,
    settings: ExplainSettings,
    encoded: Encoded,
    part: torch.Tensor,
    reporter: Reporter | None = None,
) -> Encoded:
    """Return the same scan with steps that move one part of it; the classifier isn't asked again.

    Parameters
    ----------
    part : torch.Tensor
        (D, 1, H, W), 0..1: how much of a change each voxel may take, in place of `encoded.weight`.
    """
    encoded = replace(encoded, part=part, focus=None)
    gradient, focus = _steps(models, settings, encoded, reporter)
    return replace(encoded, gradient=gradient, focus=focus)


def turned(
    models: Models,
    settings: ExplainSettings,
    encoded: Encoded,
    reporter: Reporter | None = None,
) -> Encoded:
    """Return the same scan with the steps of other settings' `direction`: the focus is its own."""
    if settings.focus != "auto" or encoded.image_gradient is None:
        return encoded  # the gradient is the same both ways
    gradient, focus = _steps(models, settings, replace(encoded, focus=None), reporter)
    return replace(encoded, gradient=gradient, focus=focus)


def _steps(
    models: Models,
    settings: ExplainSettings,
    encoded: Encoded,
    reporter: Reporter | None,
    fill_decoded: bool = False,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the direction of steps, (D, C, h, w), and the focus, from the image's gradient.

    With `fill_decoded` the decoded slices are put into `encoded.decoded` on the way.
    """
    autoencoder, allowed = models.autoencoder, encoded.allowed
    latents, image_gradient = encoded.latents, encoded.image_gradient
    assert image_gradient is not None
    on_scan = settings.baseline == "scan"

    def pull_back(
        step: steps.Step, taken: torch.Tensor | None, drawn: torch.Tensor | None
    ) -> torch.Tensor:
        step.work(reporter, "Carrying that over to the latents")
        cells = _cells(autoencoder, taken)
        return latent_gradient(
            autoencoder, latents, image_gradient, reporter, taken, cells, drawn, settings.clipped
        )

    gradient = pull_back(steps.PULLED_BACK, allowed, encoded.decoded if fill_decoded else None)
    focus = None
    if settings.focus == "auto" and on_scan and gradient.any():
        steps.FOCUS.work(reporter, "Looking where a change pays")
        seen = image_gradient if allowed is None else allowed * image_gradient
        focus = find_focus(
            autoencoder,
            latents,
            gradient,
            encoded.decoded,
            seen,
            models.classifier.grid.spacing,
            sign(settings.direction),
            reporter,
        )
        if focus is not None:
            gradient = pull_back(steps.FOCUSED, _product(allowed, focus), None)
    if settings.step == "prior" and on_scan:
        # Of all that may change, also for a part: few latents would tell little of what scans are.
        gradient = plausible(gradient, covariance(latents, _cells(autoencoder, encoded.weight)))
    return gradient, focus


def _product(one: torch.Tensor | None, other: torch.Tensor | None) -> torch.Tensor | None:
    """Return the product of two weights, of which None is 1 everywhere."""
    if one is None or other is None:
        return other if one is None else one
    return one * other


def _cells(autoencoder: GuardedAutoencoder, taken: torch.Tensor | None) -> torch.Tensor | None:
    """Return the latents that may move where voxels take so much of a change: (D, 1, h, w)."""
    if taken is None:
        return None
    seen = autoencoder.on_network_grid(taken)[:, 0].cpu().numpy()
    return as_slices(latent_cells(seen, autoencoder.factor), taken.device)
