"""All tensors of one explanation, and the function lambda -> score over any range of slices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from ..events import Reporter
from ..models.classifier import Classifier, Rescorer
from ..models.guarded.autoencoder import GuardedAutoencoder
from .batches import SliceBatches
from .composite import compose, smooth_along_slices
from .direction import gain, sign
from .gradient import as_batch, finite
from .rates import change_rates
from .result import SearchPoint
from .search.found import Evaluate
from .settings import ExplainSettings

# Measured on three chests in slabs of 30 mm: those with evidence reached the change limit within
# 0.6 to 10 times this first-order step, tips of the lungs and slabs without lung at 31 to 263.
FARTHEST = 20.0


@dataclass(frozen=True)
class _Shown:
    """Slices (n, 1, H, W) at (lambda, start, stop)."""

    where: tuple[float, int, int]
    slices: torch.Tensor


class Workspace:
    """Scan, latents and gradient of one volume; everything a search needs to evaluate a lambda.

    Parameters
    ----------
    classifier : Classifier
        Already prepared for the scan.
    target : str
        Name of the target.
    x, decoded : torch.Tensor
        (D, 1, H, W): the prepared scan (0..1), and D(E(x)), cut to 0..1 if the settings say so.
    latents, gradient : torch.Tensor
        (D, C, h, w): z, and df/dz at lambda = 0 (0 where a region forbids a change).
    weight : torch.Tensor or None
        (D, 1, H, W), 0..1: how much of a change each voxel takes; None is all of it everywhere.
    """

    def __init__(
        self,
        autoencoder: GuardedAutoencoder,
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
        self._batches = SliceBatches(self._size, latents.device, reporter)
        self._mass = self._sizes(self.start_volume, self.weight)
        self._volume_mass = self.start_volume.abs().sum(dtype=torch.float64)
        # So that a search's kept point, the last or the best one, isn't decoded again.
        self._last: _Shown | None = None
        self._best: _Shown | None = None

    @torch.inference_mode()
    def changed(self, lam: float, start: int, stop: int) -> torch.Tensor:
        """Return slices [start, stop) at lambda: (stop - start, 1, H, W).

        0..1; as the decoder draws them, beyond it too, with baseline `reconstruction`.
        """
        for shown in (self._last, self._best):
            if shown is not None and shown.where == (lam, start, stop):
                return shown.slices
        return self._change(lam, start, stop)

    def _change(self, lam: float, start: int, stop: int) -> torch.Tensor:
        moved = self._decode(lam, range(start, stop))
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
    def _decode(self, lam: float, numbers: range | torch.Tensor) -> torch.Tensor:
        """Return D(z + lambda g) of some slices, cut to 0..1 if the settings say so: (n, 1, H, W).
        """
        index = torch.as_tensor(numbers, device=self.latents.device)
        moved = self.decoded[index]
        moving = self.gradient[index].flatten(1).any(1)  # no lambda moves the others

        def work(part: slice) -> bool:
            if not moving[part].any():
                return False
            chosen = index[part]
            z = self.latents[chosen] + lam * self.gradient[chosen]
            slices = self.autoencoder.decode(z, self._size)
            moved[part] = slices.clamp_(0, 1) if self.settings.clipped else slices
            return True

        self._batches.run(0, len(index), work)
        return moved

    def evaluator(self, start: int, stop: int) -> Evaluate:
        """Return lambda -> SearchPoint with slices [start, stop) moved and all others fixed."""
        self._last = self._best = None
        highest = 0.0

        def evaluate(lam: float) -> SearchPoint:
            nonlocal highest
            if lam == 0:
                return SearchPoint(0.0, self.score, 0.0)
            with torch.inference_mode():
                changed = self._change(lam, start, stop)
                score = finite(self._rescorer(changed, start), self.classifier)
            point = SearchPoint(lam, score, self.change(changed, start, stop))
            self._last = _Shown((lam, start, stop), changed)
            gained = gain(self.settings.direction, self.score, score)
            if gained > highest and point.change <= self.settings.max_change:
                highest, self._best = gained, self._last
            return point

        return evaluate

    def change(self, changed: torch.Tensor, start: int, stop: int) -> float:
        """Return sum |x' - x| over the range / sum |x| over the settings' scope."""
        difference = (changed - self.start_volume[start:stop]).abs().sum(dtype=torch.float64)
        return float(difference / self._scope_mass(start, stop))

    def may_change(self, start: int, stop: int) -> bool:
        """Return whether the region, if there is one, meets slices [start, stop)."""
        return self.weight is None or bool(self.weight[start:stop].any())

    def has_gradient(self, start: int, stop: int) -> bool:
        """Return whether any lambda moves slices [start, stop)."""
        return bool(self.gradient[start:stop].any())

    def first_step(self, start: int, stop: int) -> float:
        """Return |lambda| at which slices [start, stop) reach the change limit, to first order.

        0 if they have no gradient at all.
        """
        rate = float(self._rate[start:stop].sum() / self._scope_mass(start, stop))
        return self.settings.max_change / rate if rate > 0 else 0.0

    def farthest_step(self, start: int, stop: int) -> float:
        """Return the |lambda| beyond which slices [start, stop) have too weak a gradient.

        A multiple of the step that takes the whole volume (or region) to the change limit; where
        the limit is relative to the whole volume, this range alone may change as much more as its
        share is smaller. Slices that the classifier hardly reacts to would use up any limit sooner
        or later, at a lambda that turns their latents into something else, and look like the
        strongest evidence of all.
        """
        rate = float(self._rate.sum() / self._mass.sum())
        mass = float(self._mass[start:stop].sum())
        if not (rate > 0 and mass > 0):
            return 0.0
        return FARTHEST * self.settings.max_change / rate * float(
            self._scope_mass(start, stop) / mass
        )

    @property
    def _size(self) -> tuple[int, int]:
        height, width = self.start_volume.shape[-2:]
        return height, width

    @cached_property
    def _rescorer(self) -> Rescorer:
        return self.classifier.rescorer(as_batch(self.start_volume), self.target)

    @cached_property
    def _rate(self) -> torch.Tensor:
        """How fast each slice's picture changes: (D,), float64; see `rates.change_rates`."""

        def moved(lam: float, chosen: torch.Tensor) -> torch.Tensor:
            change = self._decode(lam, chosen) - self.decoded[chosen]
            return self._sizes(change, None if self.weight is None else self.weight[chosen])

        rates = change_rates(self.latents, self.gradient, sign(self.settings.direction), moved)
        return rates.to(self.latents.device)

    def _scope_mass(self, start: int, stop: int) -> torch.Tensor:
        edited = self.settings.scope == "region"
        mass = self._mass[start:stop].sum() if edited else self._volume_mass
        return mass.clamp_min(torch.finfo(torch.float64).tiny)

    @staticmethod
    def _sizes(values: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        """Return the sum of w |values| of each slice: (n, 1, H, W) -> (n,), float64."""
        weighted = values if weight is None else values * weight
        return weighted.abs().sum(dim=(1, 2, 3), dtype=torch.float64)
