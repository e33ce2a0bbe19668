"""From found changes to an explanation: written back, prepared and scored again, judged."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np
import SimpleITK as sitk

from ..errors import ScanError
from ..models.targets import Target
from ..scans.grid import PreparedScan, prepare
from . import steps
from .decision_flags import decision_flags
from .environment import describe_device, peak_memory_mb, versions
from .evidence import Evidence
from .flags import raise_flags
from .frames import make_frames
from .heatmap import heat_levels
from .modality import modality_flags
from .plausibility import plausibility
from .plausibility_flags import plausibility_flags
from .plausible import Plausibility
from .reconstruction import compare, flags_of
from .regional import Regional
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
from .write_back import write_back


def finish(
    regional: Regional,
    prepared: PreparedScan,
    evidence: Evidence,
    wanted: Target,
    started: float,
) -> Explanation:
    """Write the found changes back to the scan's grid, judge them, and put the result together."""
    run, region = regional.run, regional.region
    settings, models = run.settings, run.models
    steps.FRAME.work(run.reporter, "Putting the change back onto the scan's grid")
    written = write_back(prepared, evidence.change, evidence.heatmaps, settings.level_edges, region)
    frames = make_frames(run, prepared, evidence.shown, written.difference, region)
    steps.SCORED.work(run.reporter, "Scoring the counterfactual like a new scan")
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
