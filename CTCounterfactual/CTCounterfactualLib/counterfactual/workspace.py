"""All tensors of one explanation, and the function lambda -> score over any range of slices."""

from __future__ import annotations

import torch

from ..events import Reporter
from ..models.autoencoder import SliceAutoencoder
from ..models.classifier import Classifier
from .composite import compose, smooth_along_slices
from .gradient import SLICE_BATCH, as_batch
from .result import SearchPoint
from .search.found import Evaluate
from .settings import ExplainSettings

# Size of the step that measures how fast each slice changes, relative to its latents: small, so
# that the change is about linear, yet far above float32 rounding.
UNIT_STEP = 0.02
# Measured on three chests in slabs of 30 mm: those with evidence reached the change limit within
# 0.6 to 10 times this first-order step, tips of the lungs and slabs without lung at 31 to 263.
FARTHEST = 20.0


class Workspace:
    """Scan, latents and gradient of one volume; everything a search needs to evaluate a lambda.

    Parameters
    ----------
    classifier : Classifier
        Already prepared for the scan.
    target : str
        Name of the target.
    x, decoded : torch.Tensor
        (D, 1, H, W), 0..1: the prepared scan, and D(E(x)).
    latents, gradient : torch.Tensor
        (D, C, h, w): z, and df/dz at lambda = 0 (0 where a region forbids a change).
    weight : torch.Tensor or None
        (D, 1, H, W), 0..1: how much of a change each voxel takes; None is all of it everywhere.
    """

    def __init__(
        self,
        autoencoder: SliceAutoencoder,
        classifier: Classifier,
        target: str,
        settings: ExplainSettings,
        x: torch.Tensor,
        decoded: torch.Tensor,
        latents: torch.Tensor,
        gradient: torch.Tensor,
        score: float,
        reporter: Reporter,
        weight: torch.Tensor | None = None,
    ):
        self.autoencoder = autoencoder
        self.classifier = classifier
        self.target = target
        self.settings = settings
        self.decoded = decoded
        self.latents = latents
        self.gradient = gradient
        self.score = score
        self.reporter = reporter
        self.weight = weight
        # What lambda = 0 shows: the scan itself, or (the paper) its reconstruction.
        self.start_volume = x if settings.baseline == "scan" else decoded
        self._mass = self._sizes(self.start_volume)
        self._volume_mass = self.start_volume.abs().sum(dtype=torch.float64)
        self._working = self.start_volume.clone()
        self._rate = self._change_rates()

    @property
    def slices(self) -> int:
        """Number of prepared slices (D)."""
        return len(self.latents)

    @torch.inference_mode()
    def changed(self, lam: float, start: int, stop: int) -> torch.Tensor:
        """Return slices [start, stop) at lambda: (stop - start, 1, H, W), 0..1."""
        moved = self._decode(lam, start, stop)
        if self.settings.baseline == "reconstruction":
            return moved
        base = self.decoded[start:stop]
        change = smooth_along_slices(moved - base, self.settings.slice_smoothing)
        scan = self.start_volume[start:stop]
        composed = compose(
            self.settings.composite, scan, base, base + change,
            self.classifier.grid.window.hu_per_unit,
        )
        # lerp is exact at both ends: a weight of 0 leaves the scan's very value.
        return composed if self.weight is None else scan.lerp(composed, self.weight[start:stop])

    @torch.inference_mode()
    def _decode(self, lam: float, start: int, stop: int) -> torch.Tensor:
        """Return D(z + lambda g) of slices [start, stop): (stop - start, 1, H, W), 0..1."""
        size = tuple(self.start_volume.shape[-2:])
        parts = []
        for first in range(start, stop, SLICE_BATCH):
            self.reporter.check()
            part = slice(first, min(first + SLICE_BATCH, stop))
            if not self.gradient[part].any():
                parts.append(self.decoded[part])  # no lambda moves them
                continue
            z = self.latents[part] + lam * self.gradient[part]
            parts.append(self.autoencoder.decode(z, size).clamp_(0, 1))
        return torch.cat(parts)

    def evaluator(self, start: int, stop: int) -> Evaluate:
        """Return lambda -> SearchPoint with slices [start, stop) moved and all others fixed."""

        def evaluate(lam: float) -> SearchPoint:
            if lam == 0:
                return SearchPoint(0.0, self.score, 0.0)
            changed = self.changed(lam, start, stop)
            with torch.inference_mode():
                self._working[start:stop] = changed
                score = float(self.classifier.score(as_batch(self._working), self.target)[0])
                self._working[start:stop] = self.start_volume[start:stop]
            return SearchPoint(lam, score, self.change(changed, start, stop))

        return evaluate

    def change(self, changed: torch.Tensor, start: int, stop: int) -> float:
        """Return sum |x' - x| over the range / sum |x| over the settings' scope."""
        difference = (changed - self.start_volume[start:stop]).abs().sum(dtype=torch.float64)
        return float(difference / self._scope_mass(start, stop))

    def may_change(self, start: int, stop: int) -> bool:
        """Return whether the region, if there is one, meets slices [start, stop)."""
        return self.weight is None or bool(self.weight[start:stop].any())

    def first_step(self, start: int, stop: int) -> float:
        """Return |lambda| at which slices [start, stop) reach the change limit, to first order.

        0 if they have no gradient at all.
        """
        rate = float(self._rate[start:stop].sum() / self._scope_mass(start, stop))
        return self.settings.max_change / rate if rate > 0 else 0.0

    def farthest_step(self) -> float:
        """Return the |lambda| beyond which a range has too weak a gradient to be searched.

        A multiple of the step that takes the whole volume (or region) to the change limit. Slices
        that the classifier hardly reacts to would use up any limit sooner or later, at a lambda
        that turns their latents into something else, and look like the strongest evidence of all.
        """
        rate = float(self._rate.sum() / self._mass.sum())
        return FARTHEST * self.settings.max_change / rate if rate > 0 else 0.0

    def _scope_mass(self, start: int, stop: int) -> torch.Tensor:
        edited = self.settings.scope == "region"
        mass = self._mass[start:stop].sum() if edited else self._volume_mass
        return mass.clamp_min(torch.finfo(torch.float64).tiny)

    def _sizes(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum of w |values| of each slice: (D, 1, H, W) -> (D,), float64."""
        weighted = values if self.weight is None else values * self.weight
        return weighted.abs().sum(dim=(1, 2, 3), dtype=torch.float64)

    def _change_rates(self) -> torch.Tensor:
        """Return d(sum w |D(z + lambda g) - D(z)|)/d|lambda| of each slice: (D,).

        By one small step, of the decoder's picture: the composite hides so small a step as noise.
        """
        largest = float(_rms(self.gradient).max())
        if largest == 0:
            return torch.zeros(self.slices, dtype=torch.float64)
        sign = -1.0 if self.settings.direction == "decrease" else 1.0
        step = UNIT_STEP * float(_rms(self.latents).mean()) / largest
        moved = self._decode(sign * step, 0, self.slices)
        return self._sizes(moved - self.decoded) / step


def _rms(tensor: torch.Tensor) -> torch.Tensor:
    """Return the root mean square of each slice: (D, C, h, w) -> (D,)."""
    return tensor.square().mean(dim=(1, 2, 3)).sqrt()
