"""A counterfactual run for methods that ask about parts of a scan: one gradient for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SettingsError
from ..wording import say
from .method import Request

if TYPE_CHECKING:
    from ..counterfactual.outcome import Outcome
    from ..counterfactual.result import ModelInfo
    from ..counterfactual.run import Run


# Share of a method's time when the whole counterfactual has been searched.
SEARCHED = 0.4


@dataclass(frozen=True)
class Begun:
    """A run that knows its gradient and has searched nothing yet.

    Parameters
    ----------
    run : Run
        To search parts with; see `Run.within`.
    weight : numpy.ndarray
        (K, J, I), 0..1: where the scan may change.
    autoencoder : ModelInfo
        Which one draws.
    """

    run: Run
    weight: np.ndarray
    autoencoder: ModelInfo


@dataclass(frozen=True)
class Whole(Begun):
    """The counterfactual of a whole scan, and the run that made it.

    Parameters
    ----------
    outcome : Outcome
        Of all slices together.
    change : numpy.ndarray
        (K, J, I) of the prepared grid, 0..1 intensities.
    reach : float
        How far parts may be moved; see `Run.within`.
    """

    outcome: Outcome
    change: np.ndarray
    reach: float


@contextmanager
def begun_run(request: Request) -> Iterator[Begun]:
    """Encode a request's scan and take the gradient; the models are on its device meanwhile.

    Raises
    ------
    SettingsError
        If the settings redraw the whole scan, so that no part can be told.
    """
    from ..counterfactual.aim import check_goal
    from ..counterfactual.encoded import Models
    from ..counterfactual.result import ModelInfo
    from ..counterfactual.run import Run
    from ..counterfactual.scale import has_logit
    from ..counterfactual.within import confine
    from ..models.catalogue import load_autoencoder
    from ..models.guarded.autoencoder import GuardedAutoencoder
    from ..models.guarded.borrowed import borrowed
    from ..models.guarded.stoppable import stoppable

    settings, prepared, reporter = request.settings, request.prepared, request.reporter
    target, classifier = request.target, request.classifier
    if settings.baseline != "scan":
        raise SettingsError(
            f"Setting {say('baseline')} is {settings.baseline!r}, which redraws the whole scan, so "
            f"no part of it can be told. Use {say('baseline', 'scan')}."
        )
    check_goal(settings, classifier.name, target)
    guarded = GuardedAutoencoder(load_autoencoder(request.autoencoder))
    allowed = confine(prepared, settings, None, reporter.check)
    with borrowed((guarded.inner,), request.device), stoppable((guarded.inner,), reporter.check):
        logit = has_logit(target.unit) and settings.search != "reference"
        models = Models(guarded, classifier, target.name, request.device, logit)
        weight = None if allowed is None else allowed.weight
        run = Run.begin(models, settings, prepared.volume, reporter, weight)
        yield Begun(
            run,
            np.ones_like(prepared.volume) if weight is None else weight,
            ModelInfo(guarded.name, guarded.sha256, guarded.description),
        )


@contextmanager
def whole_counterfactual(request: Request) -> Iterator[Whole]:
    """The same, with the counterfactual of all of the scan searched."""
    from ..counterfactual import steps
    from ..counterfactual.evidence import as_outcome
    from ..counterfactual.run import reach_of

    prepared, direction = request.prepared, request.settings.direction
    with begun_run(request) as begun:
        run = begun.run
        run.reporter.begin("Searching the whole volume", steps.GRADIENT.end, SEARCHED)
        found = run.search(0, prepared.slices)
        outcome = as_outcome(found, prepared, 0, prepared.slices, direction)
        change = run.change_at(outcome.lam, 0, prepared.slices)
        yield Whole(run, begun.weight, begun.autoencoder, outcome, change, reach_of(found))
