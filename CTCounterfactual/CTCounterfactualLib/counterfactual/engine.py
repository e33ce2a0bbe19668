"""The one verb: explain a classifier's score of a scan by counterfactuals.

Data flows one way: scan -> prepared grid -> latents -> gradient -> lambda -> change -> scan.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import ModelError, ScanError, SettingsError
from ..events import CancelToken, ProgressCallback, Reporter
from ..models.autoencoder import AutoencoderLike
from ..models.catalogue import load_autoencoder, load_classifier
from ..models.classifier import NO_GRADIENT, ClassifierLike
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ..models.guarded.autoencoder import GuardedAutoencoder
from ..models.guarded.borrowed import borrowed
from ..models.guarded.classifier import guarded_classifier
from ..models.guarded.stoppable import stoppable
from ..models.targets import Target
from ..scans.grid import PreparedScan, prepare
from ..scans.scan import Scan
from ..setting_choices import AUTO_REGION
from ..suggest import suggest
from . import steps
from .aim import check_goal
from .decision_flags import decision_flags
from .encoded import Models
from .environment import choose_device, describe_device, peak_memory_mb, versions
from .evidence import ChunkCallback, Evidence, collect_evidence
from .flags import raise_flags
from .frames import make_frames
from .heatmap import heat_levels
from .modality import check_draws, modality_flags, scan_for, settings_for
from .plausibility import plausibility
from .plausibility_flags import plausibility_flags
from .plausible import Plausibility
from .reconstruction import compare, flags_of
from .region import Region, check_region, prepare_region
from .regional import Regional, control, find_region
from .repeatable import autoencoder_flags, classifier_flags
from .result import (
    Explanation,
    Flag,
    ModelInfo,
    PreparedInfo,
    Scores,
    TargetInfo,
    Timing,
)
from .run import Run
from .scale import has_logit
from .settings import ExplainSettings
from .torch_state import run_state
from .within import confine
from .write_back import write_back


def explain(
    scan: Scan | str | Path,
    classifier: str | Path | ClassifierLike = DEFAULT_CLASSIFIER,
    target: str | None = None,
    autoencoder: str | Path | AutoencoderLike = DEFAULT_AUTOENCODER,
    settings: ExplainSettings | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    region: Region | str | None = None,
    on_chunk: ChunkCallback | None = None,
    **options: Any,
) -> Explanation:
    """Find what the scan would have to look like for the classifier to change its score.

    Parameters
    ----------
    scan : Scan, str or Path
        A scan, or what `read_scan` reads; of a scan that isn't quite like HU but is, take
        `check_scan(scan, assume_hu=True)`.
    classifier, autoencoder : str or object
        Catalogue names, paths of cards, or any objects with the interfaces `ClassifierLike` and
        `AutoencoderLike`. They come back on the device and in the mode that they had; those of
        others get copies of their input and are asked twice (flag `not-reproducible`).
    target : str, optional
        Which of the classifier's targets; default: its first.
    settings : ExplainSettings, optional
        How to search. Single settings may be given as keywords instead: `chunk=5`.
    progress : callable, optional
        Gets an `Event` at each step.
    cancel : CancelToken, optional
        Any thread may set it; the run then raises `Cancelled` within one layer of a network.
    region : Region or str, optional
        Only its voxels may change; see `counterfactual.region`. `auto` finds one: where the scan
        changes most without a region; see `counterfactual.auto_region`.
    on_chunk : callable, optional
        Gets the `Outcome` and the `ChunkHeatmap` of each chunk as soon as it is searched, before
        the chunk's event.

    Returns
    -------
    Explanation
        With volumes on the scan's own grid; `outputs.write_result` puts it in a folder.

    Raises
    ------
    ScanError, ModelError, SettingsError
        With what was found and what to do.
    Cancelled
        If `cancel` was set.
    """
    started = perf_counter()
    settings = _merge(settings, options)
    check_region(region, settings)
    reporter = Reporter(progress, cancel)
    device = choose_device(settings.device)
    with run_state(settings.seed, device):
        given = load_classifier(classifier)
        classifier = guarded_classifier(given)
        scan = scan_for(classifier, scan)
        reporter.report(steps.READ.name, f"Read {scan.name}", steps.READ.end, size=list(scan.size))
        if not classifier.differentiable:
            raise ModelError(NO_GRADIENT.format(name=classifier.name))
        wanted = classifier.find_target(target)
        check_goal(settings, classifier.name, wanted)
        guarded = GuardedAutoencoder(load_autoencoder(autoencoder))
        check_draws(guarded, classifier)
        prepared = prepare(scan, classifier.grid, reporter.check)
        settings = settings_for(prepared, settings)
        on_grids = None
        if isinstance(region, Region):
            on_grids = prepare_region(region, prepared, reporter.check)
        on_grids = confine(prepared, settings, on_grids, reporter.check)
        with (
            borrowed((given, guarded.inner), device),
            stoppable((given, guarded.inner), reporter.check),
        ):
            classifier = classifier.for_scan(prepared)
            reporter.report(
                steps.PREPARED.name,
                f"Prepared {prepared.slices} slices",
                steps.PREPARED.end,
                slices=prepared.slices,
            )
            # The paper searches the probability itself.
            logit = has_logit(wanted.unit) and settings.search != "reference"
            models = Models(guarded, classifier, wanted.name, device, logit)
            weight = None if on_grids is None else on_grids.weight
            run = Run.begin(models, settings, prepared.volume, reporter, weight)
            regional = Regional(run, on_grids)
            if region == AUTO_REGION:
                regional = find_region(run, prepared, on_grids)
            evidence = collect_evidence(regional.run, prepared, regional.region, on_chunk)
            if settings.region_controls:
                regional = control(regional, prepared, evidence.whole)
            return _finish(regional, prepared, evidence, wanted, started)


def _merge(settings: ExplainSettings | None, options: dict) -> ExplainSettings:
    for name in options:
        if name not in ExplainSettings.names():
            raise SettingsError(
                f"There is no setting {name!r}. {suggest(name, ExplainSettings.names())}"
            )
    return replace(settings or ExplainSettings(), **options)


def _finish(
    regional: Regional,
    prepared: PreparedScan,
    evidence: Evidence,
    wanted: Target,
    started: float,
) -> Explanation:
    """Write the found changes back to the scan's grid, judge them, and put the result together."""
    run, region = regional.run, regional.region
    settings, models = run.settings, run.models
    written = write_back(prepared, evidence.change, evidence.heatmaps, settings.level_edges, region)
    frames = make_frames(run, prepared, evidence.shown, written.difference, region)
    run.reporter.check()
    target = TargetInfo(wanted.name, wanted.unit, wanted.threshold, wanted.negatives)
    scores, flags, picture = _judge(run, prepared, evidence, target, written.counterfactual)
    run.reporter.report(
        steps.SCORED.name,
        f"Counterfactual written back to the scan's grid; score {scores.counterfactual:.4g}",
        steps.SCORED.end,
        scores=vars(scores),
        flags=[flag.name for flag in flags],
    )
    classifier, autoencoder = models.classifier, models.autoencoder
    return Explanation(
        scan=prepared.scan,
        prepared=PreparedInfo(prepared.slices, prepared.spec.spacing),
        settings=settings,
        classifier=ModelInfo(classifier.name, classifier.sha256, classifier.description),
        target=target,
        autoencoder=ModelInfo(autoencoder.name, autoencoder.sha256, autoencoder.description),
        scores=scores,
        whole=evidence.whole,
        chunks=evidence.chunks,
        counterfactual=written.counterfactual,
        difference=written.difference,
        heatmap=written.heatmap,
        chunk_heatmaps=evidence.heatmaps,
        levels=heat_levels(settings.level_edges, prepared.scan.unit),
        flags=(*flags, *regional.flags),
        aim=run.aim,
        plausibility=picture,
        timing=Timing(**run.seconds, search=evidence.seconds, total=perf_counter() - started),
        peak_memory_mb=peak_memory_mb(models.device),
        versions=versions(),
        device=describe_device(models.device),
        frames=frames,
        lungs=_lungs(prepared),
        region_name=region.name if region else "",
        region_search=regional.search,
    )


def _judge(
    run: Run,
    prepared: PreparedScan,
    evidence: Evidence,
    target: TargetInfo,
    counterfactual: np.ndarray,
) -> tuple[Scores, tuple[Flag, ...], Plausibility | None]:
    """Prepare and score the counterfactual (K, J, I), HU, like a new scan, and raise flags."""
    whole, models, encoded = evidence.whole, run.models, run.encoded
    changed = replace(prepared.scan, image=prepared.scan.with_array(counterfactual))
    again = prepare(changed, prepared.spec, run.reporter.check).volume
    scores = Scores(encoded.original_score, encoded.decoded_score, run.score(again))
    found = whole.score_after if whole else run.score(prepared.volume + evidence.change)
    notes = (*prepared.scan.warnings, *models.classifier.warnings())
    ratio = run.decode_ratio(again)
    picture = None
    if prepared.spec.is_ct:
        picture = plausibility(
            run.start_volume, again, prepared.spec, _lungs_of(prepared), prepared.body
        )
    flags = (
        *modality_flags(prepared),
        *decision_flags(scores, whole, run.aim, target, run.settings),
        *(plausibility_flags(picture, scores, run.aim) if picture else ()),
        *raise_flags(scores, evidence.outcomes, found, ratio, notes, run.settings),
    )
    moved = scores.counterfactual - scores.original
    return (
        scores,
        (
            *classifier_flags(models.classifier, models.target, encoded.x, scores.original, moved),
            *autoencoder_flags(models.autoencoder, encoded.x, encoded.decoded),
            *flags_of(compare(encoded.x, encoded.decoded)),
            *flags,
        ),
        picture,
    )


def _lungs(prepared: PreparedScan) -> sitk.Image | None:
    """Return the mask of both lungs on the prepared grid, or None where there are none."""
    lungs = _lungs_of(prepared)
    return None if lungs is None else prepared.as_image(lungs.astype(np.uint8))


def _lungs_of(prepared: PreparedScan) -> np.ndarray | None:
    """Return the lungs (K, J, I), bool, or None where there are none."""
    try:
        return prepared.lungs
    except ScanError:
        return None
