"""The verb of all methods but Latent Shift: a map of how much each voxel speaks for the score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..counterfactual import steps
from ..counterfactual.environment import (
    choose_device,
    describe_device,
    peak_memory_mb,
    versions,
)
from ..counterfactual.gradient import as_slices, score_volume
from ..counterfactual.modality import modality_flags, scan_for
from ..counterfactual.repeatable import NAME as NOT_REPRODUCIBLE
from ..counterfactual.repeatable import differs
from ..counterfactual.result import Flag, ModelInfo, PreparedInfo, TargetInfo
from ..counterfactual.settings import ExplainSettings
from ..counterfactual.torch_state import run_state
from ..events import CancelToken, ProgressCallback, Reporter
from ..models.autoencoder import AutoencoderLike
from ..models.catalogue import load_classifier
from ..models.classifier import ClassifierLike
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ..models.guarded.borrowed import borrowed
from ..models.guarded.classifier import guarded_classifier
from ..models.guarded.stoppable import stoppable
from ..scans.grid import PreparedScan, prepare
from ..scans.scan import Scan
from .attribution import Attribution, MethodInfo
from .levels import label_values, strongest, value_levels
from .method import Found, Method, Request, options_to_dict
from .needs import check_needs
from .registry import find_method

# A voxel of the scan belongs to a part of which it holds half or more.
HALF = 0.5


def attribute(
    scan: Scan | str | Path,
    method: str | Method,
    classifier: str | Path | ClassifierLike = DEFAULT_CLASSIFIER,
    target: str | None = None,
    options: Mapping[str, Any] | None = None,
    autoencoder: str | AutoencoderLike = DEFAULT_AUTOENCODER,
    settings: ExplainSettings | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Attribution:
    """Find how much each voxel of a scan speaks for a classifier's score, by a named method.

    Parameters
    ----------
    scan, classifier, target, autoencoder, progress
        As for `explain`.
    method : str or Method
        A name of `methods.registry.NAMES`, or a method of your own.
    options : mapping, optional
        Of the method; see its `options`.
    settings : ExplainSettings, optional
        Seed and device; and how to search, for methods that use a counterfactual.
    cancel : CancelToken, optional
        Any thread may set it. The run then raises `Cancelled`; a search that has found something
        by then returns that (`partial`) instead.

    Raises
    ------
    ScanError, ModelError, SettingsError, MissingExtraError
        With what was found and what to do; what a method needs is checked before the scan is
        read.
    Cancelled
        If `cancel` was set.
    """
    started = perf_counter()
    settings = settings or ExplainSettings()
    chosen = find_method(method) if isinstance(method, str) else method
    own = chosen.with_options(options or {})
    cancel = cancel or CancelToken()
    reporter = Reporter(progress, cancel)
    device = choose_device(settings.device)
    with run_state(settings.seed, device):
        given = load_classifier(classifier)
        guarded = guarded_classifier(given)
        check_needs(chosen, guarded)
        wanted = guarded.find_target(target)
        scan = scan_for(guarded, scan)
        reporter.report(
            steps.READ.name,
            f"Read {scan.name}; {chosen.name} {chosen.needs}",
            steps.READ.end,
            size=list(scan.size),
            method=chosen.name,
        )
        steps.PREPARED.work(reporter, "Putting the scan onto the classifier's grid")
        prepared = prepare(scan, guarded.grid, reporter.check)
        with borrowed((given,), device), stoppable((given,), reporter.check):
            ready = guarded.for_scan(prepared)
            reporter.report(
                steps.PREPARED.name,
                f"Prepared {prepared.slices} slices",
                steps.PREPARED.end,
                slices=prepared.slices,
            )
            x = as_slices(prepared.volume, device)
            score = score_volume(ready, wanted.name, x)
            request = Request(
                prepared, ready, wanted, own, settings, autoencoder, device, reporter, cancel
            )
            begun = perf_counter()
            found = chosen.run(request)
            searched = perf_counter() - begun
            flags = _flags(request, x, score, found)
    values, heatmap, levels = _on_scan(prepared, found.values)
    return Attribution(
        scan=scan,
        prepared=PreparedInfo(prepared.slices, prepared.spec.spacing),
        method=MethodInfo(chosen.name, chosen.description, chosen.sign, options_to_dict(own)),
        classifier=ModelInfo(guarded.name, guarded.sha256, guarded.description),
        target=TargetInfo(wanted.name, wanted.unit, wanted.threshold, wanted.negatives),
        autoencoder=found.autoencoder,
        score=score,
        values=values,
        heatmap=heatmap,
        levels=levels,
        flags=flags,
        seconds={"search": searched, "total": perf_counter() - started},
        peak_memory_mb=peak_memory_mb(device),
        versions=versions(),
        device=describe_device(device),
        seed=settings.seed,
        parts={name: _part_on_scan(prepared, mask) for name, mask in found.parts.items()},
        facts=found.facts,
        partial=found.partial,
    )


def _flags(request: Request, x, score: float, found: Found) -> tuple[Flag, ...]:
    """Return warnings of scan, classifier and method; a cancelled run isn't asked further."""
    notes = (*request.prepared.scan.warnings, *request.classifier.warnings())
    flags = [*modality_flags(request.prepared), *(Flag(name, text) for name, text in notes)]
    if not found.partial:
        again = score_volume(request.classifier, request.target.name, x)
        if differs(score, again, 0.0):
            flags.append(
                Flag(
                    NOT_REPRODUCIBLE,
                    f"Classifier {request.classifier.name} scores the same scan {score:.6g} and "
                    f"{again:.6g}: part of the map is chance. Is there dropout, random sampling, "
                    f"or a state that it keeps between calls?",
                )
            )
    if not np.any(found.values):
        flags.append(
            Flag(
                "nothing-found",
                f"{request.classifier.name} reacts to no voxel in the way that this method looks "
                f"for: the map is empty.",
            )
        )
    return (*flags, *found.flags)


def _on_scan(prepared: PreparedScan, values: np.ndarray):
    """Return values on the scan's grid, their label map, and its levels."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    on_scan = prepared.to_scan_grid(values)
    top = strongest(values)
    return on_scan, label_values(on_scan, top), value_levels(top)


def _part_on_scan(prepared: PreparedScan, mask: np.ndarray) -> np.ndarray:
    return prepared.to_scan_grid(mask.astype(np.float32)) >= HALF
