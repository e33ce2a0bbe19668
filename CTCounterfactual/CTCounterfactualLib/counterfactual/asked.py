"""What a run is asked: models, scan and settings, looked at together before it computes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..errors import ModelError, SettingsError
from ..events import Reporter
from ..models.autoencoder import AutoencoderLike
from ..models.catalogue import load_autoencoder, load_classifier
from ..models.classifier import NO_GRADIENT, Classifier, ClassifierLike
from ..models.guarded.autoencoder import GuardedAutoencoder
from ..models.guarded.classifier import guarded_classifier
from ..models.targets import Target
from ..scans.grid import PreparedScan, prepare
from ..scans.scan import Scan
from ..suggest import suggest
from . import steps
from .aim import check_goal
from .encoded import Models
from .modality import check_draws, scan_for, settings_for
from .region import PreparedRegion, Region, prepare_region
from .run import Run
from .scale import has_logit
from .settings import ExplainSettings
from .within import confine


@dataclass(frozen=True)
class Asked:
    """What a run is asked, checked.

    Parameters
    ----------
    networks : tuple
        The models as they were given: whose networks are borrowed while they run.
    classifier, autoencoder : Classifier, GuardedAutoencoder
        The same, guarded; the classifier isn't prepared for the scan yet.
    wanted : Target
        Of the classifier.
    prepared : PreparedScan
        The scan on the classifier's grid.
    settings : ExplainSettings
        As they hold for this scan.
    region : PreparedRegion or None
        Where the scan may change; None is everywhere.
    """

    networks: tuple[Any, ...]
    classifier: Classifier
    autoencoder: GuardedAutoencoder
    wanted: Target
    prepared: PreparedScan
    settings: ExplainSettings
    region: PreparedRegion | None


def merged(settings: ExplainSettings | None, options: dict[str, Any]) -> ExplainSettings:
    """Return settings with single ones replaced; raise `SettingsError` for what is none."""
    for name in options:
        if name not in ExplainSettings.names():
            raise SettingsError(
                f"There is no setting {name!r}. {suggest(name, ExplainSettings.names())}"
            )
    return replace(settings or ExplainSettings(), **options)


def look(
    scan: Scan | str | Path,
    classifier: str | Path | ClassifierLike,
    target: str | None,
    autoencoder: str | Path | AutoencoderLike,
    settings: ExplainSettings,
    region: Region | str | None,
    reporter: Reporter,
) -> Asked:
    """Load, read and prepare what is asked; for the parameters see `engine.explain`.

    A region that the run is to find (`auto`) isn't one yet.

    Raises
    ------
    ScanError, ModelError, SettingsError
        With what was found and what to do.
    """
    given = load_classifier(classifier)
    guarded = guarded_classifier(given)
    scan = scan_for(guarded, scan)
    reporter.report(steps.READ.name, f"Read {scan.name}", steps.READ.end, size=list(scan.size))
    if not guarded.differentiable:
        raise ModelError(NO_GRADIENT.format(name=guarded.name))
    wanted = guarded.find_target(target)
    check_goal(settings, guarded.name, wanted)
    draws = GuardedAutoencoder(load_autoencoder(autoencoder))
    check_draws(draws, guarded)
    steps.PREPARED.work(reporter, "Putting the scan onto the classifier's grid")
    prepared = prepare(scan, guarded.grid, reporter.check)
    settings = settings_for(prepared, settings)
    on_grids = None
    if isinstance(region, Region):
        on_grids = prepare_region(region, prepared, reporter.check)
    on_grids = confine(prepared, settings, on_grids, reporter.check)
    return Asked((given, draws.inner), guarded, draws, wanted, prepared, settings, on_grids)


def begin(asked: Asked, device: torch.device, reporter: Reporter) -> Run:
    """Begin the run that is asked: encode, decode, score and differentiate; networks borrowed."""
    prepared, settings, wanted = asked.prepared, asked.settings, asked.wanted
    classifier = asked.classifier.for_scan(prepared)
    reporter.report(
        steps.PREPARED.name,
        f"Prepared {prepared.slices} slices",
        steps.PREPARED.end,
        slices=prepared.slices,
    )
    # The paper searches the probability itself.
    logit = has_logit(wanted.unit) and settings.search != "reference"
    models = Models(asked.autoencoder, classifier, wanted.name, device, logit)
    weight = None if asked.region is None else asked.region.weight
    return Run.begin(models, settings, prepared.volume, reporter, weight)
