"""The one verb: explain a classifier's score of a scan by counterfactuals.

Data flows one way: scan -> prepared grid -> latents -> gradient -> lambda -> change -> scan.
"""

from __future__ import annotations

import logging
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from ..events import CancelToken, ProgressCallback, Reporter
from ..models.autoencoder import SliceAutoencoder
from ..models.catalogue import load_autoencoder, load_classifier
from ..models.classifier import Classifier
from ..scans.grid import PreparedScan, prepare
from ..scans.read import read_scan
from ..scans.scan import Scan
from .chunks import chunk_ranges, search_range
from .environment import choose_device, describe_device, peak_memory_mb, versions
from .flags import raise_flags
from .gradient import (
    decode_slices,
    encode_slices,
    latent_gradient,
    score_volume,
    volume_gradient,
)
from .heatmap import heat_levels, label_change
from .result import (
    Explanation,
    ModelInfo,
    Outcome,
    Scores,
    TargetInfo,
    Timing,
)
from .settings import ExplainSettings
from .workspace import Workspace
from .write_back import add_to_scan, change_on_scan, chunk_heatmap, combine_heatmaps

logger = logging.getLogger(__name__)

DEFAULT_CLASSIFIER = "lung-volume"
DEFAULT_AUTOENCODER = "ct-vqgan-small"

# Share of a run's time by the end of each step; measured on full chests, only for the progress bar.
_READ, _PREPARED, _ENCODED, _GRADIENT, _SEARCHED = 0.05, 0.10, 0.20, 0.32, 0.90


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
    reporter.report("read", f"Read {scan.name}", _READ, size=list(scan.size))
    classifier = load_classifier(classifier)
    target = classifier.find_target(target)
    if not isinstance(autoencoder, SliceAutoencoder):
        autoencoder = load_autoencoder(autoencoder)
    autoencoder = autoencoder.to(device)
    prepared = prepare(scan, classifier.grid)
    classifier = classifier.for_scan(prepared)
    reporter.report(
        "prepared", f"Prepared {prepared.slices} slices", _PREPARED, slices=prepared.slices
    )
    run = _Run(autoencoder, classifier, target.name, settings, prepared, reporter, device)
    searched = run.search()
    return _finish(run, searched, target.unit, started)


def _merge(settings: ExplainSettings | None, options: dict) -> ExplainSettings:
    from dataclasses import replace

    from ..errors import SettingsError
    from ..models.classifier import suggest

    for name in options:
        if name not in ExplainSettings.names():
            raise SettingsError(
                f"There is no setting {name!r}. {suggest(name, list(ExplainSettings.names()))}"
            )
    return replace(settings or ExplainSettings(), **options)


class _Run:
    """One run up to the found lambdas: encode, gradient, searches."""

    def __init__(
        self, autoencoder, classifier, target, settings, prepared: PreparedScan, reporter, device
    ):
        self.autoencoder, self.classifier, self.target = autoencoder, classifier, target
        self.settings, self.prepared, self.reporter = settings, prepared, reporter
        self.device = device
        self.seconds = {"encode": 0.0, "gradient": 0.0, "search": 0.0}
        # (K, J, I) -> (D, 1, H, W): a prepared slice is one channel of the slice autoencoder
        self.x = torch.from_numpy(prepared.volume)[:, None].to(device)

    def search(self) -> tuple[Outcome | None, tuple[Outcome, ...]]:
        """Run all searches that the mode asks for; return (whole, chunks)."""
        self._encode()
        self._differentiate()
        started = perf_counter()
        ranges = []
        if self.settings.mode != "chunks":
            ranges.append((0, self.prepared.slices))
        if self.settings.mode != "whole":
            ranges += chunk_ranges(self.prepared.slices, self.settings.chunk)
        outcomes = []
        for number, (start, stop) in enumerate(ranges, start=1):
            outcome = search_range(self.workspace, self.prepared, start, stop)
            outcomes.append(outcome)
            done = _GRADIENT + (_SEARCHED - _GRADIENT) * number / len(ranges)
            self._report(outcome, number, len(ranges), done)
        self.seconds["search"] = perf_counter() - started
        if self.settings.mode == "chunks":
            return None, tuple(outcomes)
        return outcomes[0], tuple(outcomes[1:])

    def change(self, outcome: Outcome) -> np.ndarray:
        """Return the change that an outcome found: (stop - start, J, I), 0..1 intensities."""
        start, stop = outcome.start, outcome.stop
        changed = self.x[start:stop]
        if outcome.lam != 0:
            changed = self.workspace.changed(outcome.lam, start, stop)
        elif self.settings.baseline == "reconstruction":
            changed = self.decoded[start:stop]
        return (changed - self.x[start:stop])[:, 0].cpu().numpy()

    def score_prepared(self, volume: np.ndarray) -> float:
        """Return the score of a prepared volume (K, J, I)."""
        slices = torch.from_numpy(volume)[:, None].to(self.device)  # (K, J, I) -> (D, 1, H, W)
        return score_volume(self.classifier, self.target, slices)

    def decode_ratio(self, volume: np.ndarray) -> float:
        """Return how much worse a volume (K, J, I) is redrawn than the scan: 1 is "as well"."""
        slices = torch.from_numpy(volume)[:, None].to(self.device)  # (K, J, I) -> (D, 1, H, W)
        latents = encode_slices(self.autoencoder, slices, self.reporter)
        decoded = decode_slices(self.autoencoder, latents, volume.shape[1:], self.reporter)
        before = float((self.decoded - self.x).abs().mean())
        return float((decoded - slices).abs().mean()) / max(before, np.finfo(np.float32).tiny)

    def _encode(self) -> None:
        started = perf_counter()
        self.latents = encode_slices(self.autoencoder, self.x, self.reporter)
        size = tuple(self.x.shape[-2:])
        self.decoded = decode_slices(self.autoencoder, self.latents, size, self.reporter)
        self.original_score = score_volume(self.classifier, self.target, self.x)
        self.decoded_score = score_volume(self.classifier, self.target, self.decoded)
        self.seconds["encode"] = perf_counter() - started
        self.reporter.report(
            "encoded",
            f"Encoded and decoded; score of the scan {self.original_score:.4g}, of its "
            f"reconstruction {self.decoded_score:.4g}",
            _ENCODED, score=self.original_score, reconstruction=self.decoded_score,
        )

    def _differentiate(self) -> None:
        started = perf_counter()
        on_scan = self.settings.baseline == "scan"
        score, image_gradient = volume_gradient(
            self.classifier, self.target, self.x if on_scan else self.decoded
        )
        gradient = latent_gradient(self.autoencoder, self.latents, image_gradient, self.reporter)
        self.workspace = Workspace(
            self.autoencoder, self.classifier, self.target, self.settings, self.x, self.decoded,
            self.latents, gradient, score, self.reporter,
        )
        self.seconds["gradient"] = perf_counter() - started
        self.reporter.report("gradient", "Gradient of all slices found", _GRADIENT)

    def _report(self, outcome: Outcome, number: int, total: int, fraction: float) -> None:
        whole = self.settings.mode != "chunks" and number == 1
        first_chunk = 0 if self.settings.mode == "chunks" else 1
        data = {
            "start": outcome.start, "stop": outcome.stop, "lambda": outcome.lam,
            "score_before": outcome.score_before, "score_after": outcome.score_after,
            "stop_reason": outcome.stop_reason, "change": outcome.change,
        }
        if whole:
            name = "Whole volume"
        else:
            data |= {"number": number - first_chunk, "of": total - first_chunk}
            name = f"Chunk {data['number']} of {data['of']}, slices {outcome.start}-{outcome.stop}"
        self.reporter.report(
            "whole" if whole else "chunk",
            f"{name}: score {outcome.score_before:.4g} -> {outcome.score_after:.4g} "
            f"({outcome.stop_reason})",
            fraction, **data,
        )


def _finish(
    run: _Run, searched: tuple[Outcome | None, tuple[Outcome, ...]], unit: str, started: float
) -> Explanation:
    """Write the found changes back to the scan's grid and judge them."""
    whole, chunks = searched
    prepared, settings = run.prepared, run.settings
    maps = []
    combined = np.zeros(prepared.volume.shape, np.float32)  # all chunks' changes together
    for outcome in chunks:
        change = run.change(outcome)
        combined[outcome.start : outcome.stop] = change
        maps.append(chunk_heatmap(prepared, change, outcome, settings.level_edges))
        run.reporter.check()
    shown = run.change(whole) if whole is not None else combined
    change_hu = change_on_scan(prepared, shown)
    counterfactual = add_to_scan(prepared, change_hu)
    run.reporter.check()
    difference = counterfactual - add_to_scan(prepared, np.zeros_like(change_hu))
    maps = tuple(maps)
    heatmap = (
        combine_heatmaps(prepared, maps) if maps else label_change(difference, settings.level_edges)
    )
    again = prepare(Scan(prepared.scan.with_array(counterfactual)), prepared.spec).volume
    scores = Scores(run.original_score, run.decoded_score, run.score_prepared(again))
    searched_score = whole.score_after if whole else run.score_prepared(prepared.volume + combined)
    notes = (*prepared.scan.warnings, *run.classifier.warnings())
    outcomes = (*((whole,) if whole else ()), *chunks)
    flags = raise_flags(scores, outcomes, searched_score, run.decode_ratio(again), notes)
    run.reporter.report(
        "scored", f"Counterfactual written back to the scan's grid; score "
        f"{scores.counterfactual:.4g}", 0.96, scores=vars(scores), flags=[f.name for f in flags],
    )
    return Explanation(
        scan=prepared.scan,
        prepared=prepared,
        settings=settings,
        classifier=ModelInfo(
            run.classifier.name, run.classifier.sha256, run.classifier.description
        ),
        target=TargetInfo(run.target, unit),
        autoencoder=ModelInfo(
            run.autoencoder.name, run.autoencoder.sha256, run.autoencoder.description
        ),
        scores=scores,
        whole=whole,
        chunks=chunks,
        counterfactual=counterfactual,
        difference=difference,
        heatmap=heatmap,
        chunk_heatmaps=maps,
        levels=heat_levels(settings.level_edges),
        flags=flags,
        timing=Timing(**run.seconds, total=perf_counter() - started),
        peak_memory_mb=peak_memory_mb(run.device),
        versions=versions(),
        device=describe_device(run.device),
    )
