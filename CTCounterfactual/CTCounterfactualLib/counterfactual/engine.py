"""The one verb: explain a classifier's score of a scan by counterfactuals.

Data flows one way: scan -> prepared grid -> latents -> gradient -> lambda -> change -> scan.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from ..errors import SettingsError
from ..events import CancelToken, ProgressCallback, Reporter
from ..models.autoencoder import SliceAutoencoder
from ..models.catalogue import load_autoencoder, load_classifier
from ..models.classifier import Classifier, suggest
from ..scans.grid import prepare
from ..scans.read import read_scan
from ..scans.scan import Scan
from .environment import choose_device, describe_device, peak_memory_mb, versions
from .flags import raise_flags
from .heatmap import heat_levels
from .result import (
    ChunkHeatmap,
    Explanation,
    Flag,
    ModelInfo,
    Outcome,
    Scores,
    TargetInfo,
    Timing,
)
from .run import Run
from .settings import ExplainSettings
from .write_back import chunk_heatmap, write_back

DEFAULT_CLASSIFIER = "lung-volume"
DEFAULT_AUTOENCODER = "ct-vqgan-small"

# Share of a run's time by the end of each step, as in `run`.
READ, PREPARED, WRITTEN_BACK = 0.05, 0.10, 0.96


def explain(
    scan: Scan | str | Path,
    classifier: str | Classifier = DEFAULT_CLASSIFIER,
    target: str | None = None,
    autoencoder: str | Path | SliceAutoencoder = DEFAULT_AUTOENCODER,
    settings: ExplainSettings | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    **options,
) -> Explanation:
    """Find what the scan would have to look like for the classifier to change its score.

    Parameters
    ----------
    scan : Scan, str or Path
        A scan, or what `read_scan` reads.
    classifier, autoencoder : str or object
        Catalogue names, or loaded models.
    target : str, optional
        Which of the classifier's targets; default: its first.
    settings : ExplainSettings, optional
        How to search. Single settings may be given as keywords instead: `chunk=5`.
    progress : callable, optional
        Gets an `Event` at each step.
    cancel : CancelToken, optional
        Any thread may set it; the run then raises `Cancelled` within one slice batch.

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
    reporter = Reporter(progress, cancel)
    device = choose_device(settings.device)
    torch.manual_seed(settings.seed)
    if not isinstance(scan, Scan):
        scan = read_scan(scan)
    reporter.report("read", f"Read {scan.name}", READ, size=list(scan.size))
    classifier = load_classifier(classifier)
    target = classifier.find_target(target)
    if not isinstance(autoencoder, SliceAutoencoder):
        autoencoder = load_autoencoder(autoencoder)
    autoencoder = autoencoder.to(device)
    prepared = prepare(scan, classifier.grid)
    classifier = classifier.for_scan(prepared)
    reporter.report(
        "prepared", f"Prepared {prepared.slices} slices", PREPARED, slices=prepared.slices
    )
    run = Run(autoencoder, classifier, target.name, settings, prepared, reporter, device)
    searched = run.search()
    return _finish(run, searched, target.unit, started)


def _merge(settings: ExplainSettings | None, options: dict) -> ExplainSettings:
    for name in options:
        if name not in ExplainSettings.names():
            raise SettingsError(
                f"There is no setting {name!r}. {suggest(name, list(ExplainSettings.names()))}"
            )
    return replace(settings or ExplainSettings(), **options)


def _finish(
    run: Run, searched: tuple[Outcome | None, tuple[Outcome, ...]], unit: str, started: float
) -> Explanation:
    """Write the found changes back to the scan's grid, judge them, and put the result together."""
    whole, chunks = searched
    prepared, settings = run.prepared, run.settings
    shown, maps = _changes(run, whole, chunks)
    written = write_back(prepared, shown, maps, settings.level_edges)
    run.reporter.check()
    scores, flags = _judge(run, whole, chunks, shown, written.counterfactual)
    run.reporter.report(
        "scored",
        f"Counterfactual written back to the scan's grid; score {scores.counterfactual:.4g}",
        WRITTEN_BACK, scores=vars(scores), flags=[flag.name for flag in flags],
    )
    classifier, autoencoder = run.classifier, run.autoencoder
    return Explanation(
        scan=prepared.scan,
        prepared=prepared,
        settings=settings,
        classifier=ModelInfo(classifier.name, classifier.sha256, classifier.description),
        target=TargetInfo(run.target, unit),
        autoencoder=ModelInfo(autoencoder.name, autoencoder.sha256, autoencoder.description),
        scores=scores,
        whole=whole,
        chunks=chunks,
        counterfactual=written.counterfactual,
        difference=written.difference,
        heatmap=written.heatmap,
        chunk_heatmaps=maps,
        levels=heat_levels(settings.level_edges),
        flags=flags,
        timing=Timing(**run.seconds, total=perf_counter() - started),
        peak_memory_mb=peak_memory_mb(run.device),
        versions=versions(),
        device=describe_device(run.device),
    )


def _changes(
    run: Run, whole: Outcome | None, chunks: tuple[Outcome, ...]
) -> tuple[np.ndarray, tuple[ChunkHeatmap, ...]]:
    """Return the change to show, (K, J, I) in 0..1 intensities, and each chunk's heatmap.

    The change shown is the whole search's, or without one that of all chunks together.
    """
    together = np.zeros(run.prepared.volume.shape, np.float32)
    maps = []
    for outcome in chunks:
        change = run.change(outcome)
        together[outcome.start : outcome.stop] = change
        maps.append(chunk_heatmap(run.prepared, change, outcome, run.settings.level_edges))
        run.reporter.check()
    return run.change(whole) if whole else together, tuple(maps)


def _judge(
    run: Run,
    whole: Outcome | None,
    chunks: tuple[Outcome, ...],
    shown: np.ndarray,
    counterfactual: np.ndarray,
) -> tuple[Scores, tuple[Flag, ...]]:
    """Prepare and score the counterfactual (K, J, I), HU, like a new scan, and raise flags."""
    prepared = run.prepared
    again = prepare(Scan(prepared.scan.with_array(counterfactual)), prepared.spec).volume
    scores = Scores(run.original_score, run.decoded_score, run.score_prepared(again))
    searched = whole.score_after if whole else run.score_prepared(prepared.volume + shown)
    notes = (*prepared.scan.warnings, *run.classifier.warnings())
    outcomes = (*((whole,) if whole else ()), *chunks)
    return scores, raise_flags(scores, outcomes, searched, run.decode_ratio(again), notes)
