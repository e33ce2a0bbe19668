"""The function lambda -> score over any range of slices, and what a lambda shows."""

from __future__ import annotations

import math
from copy import copy
from functools import cached_property
from itertools import count

import torch

from ..events import Reporter
from ..models.classifier import Rescorer
from .batches import SliceBatches
from .bounds import bounds_of
from .composite import compose, kernel_reach, smooth_along_slices
from .direction import sign
from .encoded import Encoded, Models
from .gradient import as_batch, finite
from .one_way import gains_of, way_of
from .rates import change_rates
from .search.found import Evaluate, SearchPoint
from .settings import ExplainSettings
from .slice_cache import SliceCache
from .steps import searched
from .tissue import Bounds

# Measured on three chests in slabs of 30 mm: those with evidence reached the change limit within
# 0.6 to 10 times this first-order step, tips of the lungs and slabs without lung at 31 to 263.
FARTHEST = 20.0


class Workspace:
    """Everything a search needs to evaluate a lambda, made once for all searches of a run.

    Parameters
    ----------
    models : Models
        Ready for the scan.
    encoded : Encoded
        The scan, its latents and their gradient.

    Attributes
    ----------
    reach : float
        Greatest |lambda| that a search of a part may take; infinite for all of the scan.
    """

    def __init__(
        self, models: Models, encoded: Encoded, settings: ExplainSettings, reporter: Reporter
    ):
        self.models = models
        self.encoded = encoded
        self.settings = settings
        self._reporter = reporter
        # What lambda = 0 shows: the scan itself, or (the paper) its reconstruction.
        if settings.baseline == "scan":
            self.start_volume, self.score = encoded.x, encoded.original_score
        else:
            self.start_volume, self.score = encoded.decoded, encoded.decoded_score
        self._batches = SliceBatches(self._size, encoded.latents.device, reporter)
        self._mass = self._sizes(self.start_volume, encoded.weight)
        self._volume_mass = self.start_volume.abs().sum(dtype=torch.float64)
        self._drawn = SliceCache()
        self.reach = math.inf
        self._limit_of_all = False

    def within(self, encoded: Encoded, reach: float) -> Workspace:
        """Return the same for a part of the scan; the change limit stays that of all of it.

        Parameters
        ----------
        encoded : Encoded
            As `encoded.within` makes it.
        reach : float
            Greatest |lambda|: how far all of the scan was looked at. A small part would take
            absurd steps to use up the limit of a whole scan.
        """
        other = copy(self)  # what was made for the scan is shared
        other.encoded, other.reach, other._drawn = encoded, reach, SliceCache()
        other.__dict__.pop("_rate_and_way", None)
        return other

    def turned(self, encoded: Encoded, settings: ExplainSettings) -> Workspace:
        """Return the same in another direction, as `encoded.turned` makes it."""
        other = copy(self)
        other.encoded, other.settings, other._drawn = encoded, settings, SliceCache()
        for made in ("_rate_and_way", "_bounds"):
            other.__dict__.pop(made, None)
        return other

    def limited_by_all(self) -> Workspace:
        """Return the same with the change limit of all slices, whichever of them are searched."""
        other = copy(self)
        other._limit_of_all = True
        return other

    def moving(self) -> tuple[int, int]:
        """Return the slices [start, stop) that any lambda changes; (0, 0) without any.

        Smoothing along the slices spreads a change a little beyond those that have a gradient.
        """
        numbers = self.encoded.gradient.flatten(1).any(1).nonzero()
        if not len(numbers):
            return 0, 0
        first, last = int(numbers[0]), int(numbers[-1])
        return max(0, first - self.margin), min(len(self.start_volume), last + 1 + self.margin)

    @torch.inference_mode()
    def changed(self, lam: float, start: int, stop: int) -> torch.Tensor:
        """Return slices [start, stop) at lambda: (stop - start, 1, H, W).

        0..1; as the decoder draws them, beyond it too, with baseline `reconstruction`.
        """
        drawn = self._drawn.get((lam, start, stop))
        return self._draw(lam, start, stop) if drawn is None else drawn

    def keep(self, lam: float, start: int, stop: int) -> None:
        """Hold on to what slices [start, stop) look like at lambda, which was just evaluated."""
        self._drawn.keep((lam, start, stop))

    def _draw(self, lam: float, start: int, stop: int) -> torch.Tensor:
        return self.join(self.decode(lam, range(start, stop)), start, start, stop)

    @torch.inference_mode()
    def join(self, moved: torch.Tensor, first: int, start: int, stop: int) -> torch.Tensor:
        """Return slices [start, stop) with what the decoder drew of them and of some neighbours.

        Parameters
        ----------
        moved : torch.Tensor
            (n, 1, H, W): as `decode` draws the slices from `first` on, [start, stop) among them.
            Beyond its ends the change goes on as in the last slice; `margin` slices more to either
            side give what all of the scan would.

        Returns
        -------
        torch.Tensor
            (stop - start, 1, H, W).
        """
        if self.settings.baseline == "reconstruction":
            return moved[start - first : stop - first]
        base, taken = self.encoded.decoded[start:stop], self.encoded.taken(slice(start, stop))
        change = moved - self.encoded.decoded[first : first + len(moved)]
        change = smooth_along_slices(change, self.settings.slice_smoothing)
        scan = self.start_volume[start:stop]
        composed = compose(
            self.settings.composite,
            scan,
            base,
            base + change[start - first : stop - first],
            self.models.classifier.grid.hu_per_unit,
            None if self._bounds is None else self._bounds.of(start, stop),
        )
        # lerp is exact at both ends: a weight of 0 leaves the scan's very value.
        return composed if taken is None else scan.lerp(composed, taken)

    @property
    def margin(self) -> int:
        """Slices to either side of one that its picture is made of, too."""
        return kernel_reach(self.settings.slice_smoothing)

    @torch.inference_mode()
    def decode(self, lam: float, numbers: range | torch.Tensor) -> torch.Tensor:
        """Return D(z + lambda g) of some slices, cut to 0..1 if settings say so: (n, 1, H, W)."""
        latents, gradient = self.encoded.latents, self.encoded.gradient
        index = torch.as_tensor(numbers, device=latents.device)
        moved = self.encoded.decoded[index]
        moving = gradient[index].flatten(1).any(1)  # no lambda moves the others

        def work(part: slice) -> bool:
            if not moving[part].any():
                return False
            chosen = index[part]
            z = latents[chosen] + lam * gradient[chosen]
            slices = self.models.autoencoder.decode(z, self._size)
            moved[part] = slices.clamp_(0, 1) if self.settings.clipped else slices
            return True

        self._batches.run(0, len(index), work)
        return moved

    @property
    def batch(self) -> int:
        """How many slices are decoded at a time."""
        return self._batches.slices

    def evaluator(self, start: int, stop: int) -> Evaluate:
        """Return lambda -> SearchPoint with slices [start, stop) moved and all others fixed.

        What the last lambda shows is held, so that it can be kept (`keep`).
        """
        self._drawn.clear()
        tries = count(1)

        def evaluate(lam: float) -> SearchPoint:
            if lam == 0:
                return SearchPoint(0.0, self.score, 0.0)
            number = next(tries)
            before, after = (searched(self.settings.search, n) for n in (number - 1, number))
            self._reporter.narrow(before, after, f"try {number}")
            with torch.inference_mode():
                changed = self._draw(lam, start, stop)
                self._reporter.advance(1.0, "scoring")
                score = self.rescore(changed, start)
            self._drawn.add((lam, start, stop), changed)
            return SearchPoint(lam, score, self.fraction_changed(changed, start, stop))

        return evaluate

    @torch.inference_mode()
    def rescore(self, changed: torch.Tensor, start: int) -> float:
        """Return the score with slices from `start` on replaced: (n, 1, H, W), 0..1."""
        return finite(self._rescorer(changed, start), self.models.classifier)

    def fraction_changed(self, changed: torch.Tensor, start: int, stop: int) -> float:
        """Return sum |x' - x| over the range / sum |x| over the settings' scope."""
        difference = (changed - self.start_volume[start:stop]).abs().sum(dtype=torch.float64)
        return float(difference / self._scope_mass(start, stop))

    def may_change(self, start: int, stop: int) -> bool:
        """Return whether the region, if there is one, meets slices [start, stop)."""
        allowed = self.encoded.allowed
        return allowed is None or bool(allowed[start:stop].any())

    def has_gradient(self, start: int, stop: int) -> bool:
        """Return whether any lambda moves slices [start, stop)."""
        return bool(self.encoded.gradient[start:stop].any())

    def first_step(self, start: int, stop: int) -> float:
        """Return |lambda| at which slices [start, stop) reach the change limit, to first order.

        0 if they have no gradient at all.
        """
        rate = float(self._rate[start:stop].sum() / self._scope_mass(start, stop))
        return min(self.settings.max_change / rate, self.reach) if rate > 0 else 0.0

    def farthest_step(self, start: int, stop: int) -> float:
        """Return the |lambda| beyond which slices [start, stop) have too weak a gradient.

        A multiple of the step that takes the whole volume (or region) to the change limit; where
        the limit is relative to the whole volume, this range alone may change as much more as its
        share is smaller. Slices that the classifier hardly reacts to would use up any limit sooner
        or later, at a lambda that turns their latents into something else, and look like the
        strongest evidence of all.
        """
        rate = float(self._rate.sum() / self._mass.sum())
        mass = float((self._mass if self._limit_of_all else self._mass[start:stop]).sum())
        if not (rate > 0 and mass > 0):
            return 0.0
        share = float(self._scope_mass(start, stop) / mass)
        return min(FARTHEST * self.settings.max_change / rate * share, self.reach)

    @property
    def _size(self) -> tuple[int, int]:
        height, width = self.start_volume.shape[-2:]
        return height, width

    @cached_property
    def _rescorer(self) -> Rescorer:
        return self.models.classifier.rescorer(as_batch(self.start_volume), self.models.target)

    @cached_property
    def _bounds(self) -> Bounds | None:
        """What the decoder's picture may become; None for anything."""
        return bounds_of(self.settings, self.models, self.encoded, lambda: self._rate_and_way[1])

    @property
    def _rate(self) -> torch.Tensor:
        """How fast each slice's picture changes: (D,), float64; see `rates.change_rates`."""
        return self._rate_and_way[0]

    @cached_property
    def _rate_and_way(self) -> tuple[torch.Tensor, int]:
        """Return the slices' rates and which way they go; see `one_way`."""
        encoded, way = self.encoded, sign(self.settings.direction)
        gains: list[tuple[float, float]] = []

        def moved(lam: float, chosen: torch.Tensor) -> torch.Tensor:
            change = self.decode(lam, chosen) - encoded.decoded[chosen]
            weight = encoded.taken(chosen)
            if encoded.image_gradient is not None:
                taken = change if weight is None else change * weight
                gains.append(gains_of(way * encoded.image_gradient[chosen], taken))
            return self._sizes(change, weight)

        rates = change_rates(encoded.latents, encoded.gradient, way, moved)
        return rates.to(encoded.latents.device), way_of(gains)

    def _scope_mass(self, start: int, stop: int) -> torch.Tensor:
        edited = self.settings.scope == "region"
        searched = self._mass if self._limit_of_all else self._mass[start:stop]
        mass = searched.sum() if edited else self._volume_mass
        return mass.clamp_min(torch.finfo(torch.float64).tiny)

    @staticmethod
    def _sizes(values: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        """Return the sum of w |values| of each slice: (n, 1, H, W) -> (n,), float64."""
        weighted = values if weight is None else values * weight
        return weighted.abs().sum(dim=(1, 2, 3), dtype=torch.float64)
