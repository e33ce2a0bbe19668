"""One run in numbers: encode, decode once, gradient, searches; slices and lambdas, no scan."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from time import perf_counter

import numpy as np

from ..events import Reporter
from . import steps
from .aim import aim_of
from .chunks import search_range
from .encoded import Encoded, Models, differentiate, turned, within
from .gradient import as_slices, decode_slices, encode_slices
from .result import Outcome
from .search.adaptive import Pace
from .search.found import Found
from .settings import ExplainSettings
from .workspace import Workspace

# Slices that tell how well a changed volume is redrawn: an average over these is near that of all.
REDRAWN_SLICES = 32


class Run:
    """State of one run; `begin` makes one, `search` searches, the rest answers questions.

    Volumes are on the prepared grid, (K, J, I), 0..1; where that lies is nothing to it.

    Parameters
    ----------
    encoded : Encoded
        With which the searches begin.
    seconds : dict
        That `encode` and `gradient` took.

    Attributes
    ----------
    aim : Aim
        Of all its searches.
    unit : str
        Of the target's scores.
    """

    def __init__(
        self,
        models: Models,
        encoded: Encoded,
        settings: ExplainSettings,
        reporter: Reporter,
        seconds: dict[str, float],
    ):
        self.models = models
        self.encoded = encoded
        self.settings = settings
        self.reporter = reporter
        self.seconds = seconds
        self.workspace = Workspace(models, encoded, settings, reporter)
        target = models.classifier.find_target(models.target)
        self.unit = target.unit
        self.aim = aim_of(settings, target, self.workspace.score)
        self._pace = Pace()

    @classmethod
    def begin(
        cls,
        models: Models,
        settings: ExplainSettings,
        volume: np.ndarray,
        reporter: Reporter,
        weight: np.ndarray | None = None,
    ) -> Run:
        """Encode, decode, score and differentiate a volume.

        Parameters
        ----------
        volume : numpy.ndarray
            (K, J, I), float32, 0..1: the prepared scan.
        weight : numpy.ndarray, optional
            (K, J, I), float32, 0..1: how much of a change each voxel takes; None is all of it.
        """
        started = perf_counter()
        x = as_slices(volume, models.device)
        steps.ENCODED.work(reporter, "Encoding")
        latents = encode_slices(models.autoencoder, x, reporter)
        after = perf_counter()
        weights = None if weight is None else as_slices(weight, models.device)
        encoded = differentiate(models, settings, x, latents, reporter, weights)
        seconds = {"encode": after - started, "gradient": perf_counter() - after}
        run = cls(models, encoded, settings, reporter, seconds)
        reporter.report(
            steps.ENCODED.name,
            f"Encoded and decoded; score of the scan {encoded.original_score:.4g}, of its "
            f"reconstruction {encoded.decoded_score:.4g}",
            steps.ENCODED.end,
            score=encoded.original_score,
            reconstruction=encoded.decoded_score,
        )
        reporter.report(steps.GRADIENT.name, "Gradient of all slices found", steps.GRADIENT.end)
        return run

    def within(self, part: np.ndarray, reach: float) -> Run:
        """Return a run of the same scan that moves one part of it; shares all but the steps.

        The classifier's gradient isn't taken again; the aim and the change limit stay the same.

        Parameters
        ----------
        part : numpy.ndarray
            (K, J, I), float32, 0..1: how much of a change each voxel takes, in place of the run's
            own weight.
        reach : float
            Greatest |lambda| of its searches; see `reach_of`.
        """
        run = copy(self)
        taken = as_slices(part, self.models.device)
        run.encoded = within(self.models, self.settings, self.encoded, taken, self.reporter)
        run.workspace = self.workspace.within(run.encoded, reach)
        run._pace = Pace()
        return run

    def turned(self, direction: str) -> Run:
        """Return a run of the same scan in a direction; shares all that doesn't depend on it.

        What `begin` would make with that setting, without asking the classifier again.
        """
        if direction == self.settings.direction:
            return self
        run = copy(self)
        run.settings = replace(self.settings, direction=direction)
        run.encoded = turned(self.models, run.settings, self.encoded, self.reporter)
        run.workspace = self.workspace.turned(run.encoded, run.settings)
        target = self.models.classifier.find_target(self.models.target)
        run.aim = aim_of(run.settings, target, run.workspace.score)
        run._pace = Pace()
        return run

    def rescore(self, changed: np.ndarray, start: int) -> float:
        """Return the score with slices from `start` on replaced: (n, J, I), 0..1."""
        return self.workspace.rescore(as_slices(changed, self.models.device), start)

    @property
    def start_volume(self) -> np.ndarray:
        """What lambda = 0 shows: (K, J, I), 0..1 (and beyond, as the paper's pictures go)."""
        return self.workspace.start_volume[:, 0].cpu().numpy()

    def search(self, start: int, stop: int) -> Found:
        """Search lambda for slices [start, stop), all others fixed, as the settings ask."""
        return search_range(self.workspace, start, stop, self._pace, self.aim)

    def search_moving(self) -> tuple[Found, int, int]:
        """Search the slices that any lambda changes: what was found, and their [start, stop).

        The same as searching all slices, at the cost of those: the change limit is that of all.
        """
        start, stop = self.workspace.moving()
        start, stop = (start, stop) if stop else (0, len(self.encoded.x))
        space = self.workspace.limited_by_all()
        return search_range(space, start, stop, self._pace, self.aim), start, stop

    def change_at(self, lam: float, start: int, stop: int) -> np.ndarray:
        """Return the change of slices [start, stop) at lambda: (stop - start, J, I), 0..1.

        Lambda = 0 changes the scan into what the searches began with.
        """
        x = self.encoded.x[start:stop]
        if lam == 0:
            changed = self.workspace.start_volume[start:stop]
        else:
            changed = self.workspace.changed(lam, start, stop)
        return (changed - x)[:, 0].cpu().numpy()

    def change_of(self, outcomes: Iterable[Outcome], fraction: float) -> np.ndarray:
        """Return the change at a fraction of each outcome's lambda, all together: (K, J, I)."""
        shape = self.encoded.x[:, 0].shape
        change = np.zeros(shape, np.float32)
        for outcome in outcomes:
            start, stop = outcome.start, outcome.stop
            change[start:stop] = self.change_at(fraction * outcome.lam, start, stop)
        return change

    def score(self, volume: np.ndarray) -> float:
        """Return the score of a volume (K, J, I)."""
        return self.models.score(as_slices(volume, self.models.device))

    def decode_ratio(self, volume: np.ndarray) -> float:
        """Return how much worse a volume (K, J, I) is redrawn than the scan: 1 is "as well".

        Told by evenly spaced slices, `REDRAWN_SLICES` at most about.
        """
        every = slice(None, None, max(1, round(len(volume) / REDRAWN_SLICES)))
        autoencoder, encoded = self.models.autoencoder, self.encoded
        slices = as_slices(volume[every], self.models.device)
        latents = encode_slices(autoencoder, slices, self.reporter)
        again = decode_slices(
            autoencoder,
            latents,
            (volume.shape[1], volume.shape[2]),
            self.reporter,
            self.settings.clipped,
        )
        before = float((encoded.decoded[every] - encoded.x[every]).abs().mean())
        return float((again - slices).abs().mean()) / max(before, float(np.finfo(np.float32).tiny))


def reach_of(found: Found | Outcome) -> float:
    """Return how far a search went: the greatest |lambda| that it looked at."""
    return max(abs(point.lam) for point in found.path)
