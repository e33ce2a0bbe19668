"""Run a job here and now: what the command line and the worker process of Slicer have in common."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..counterfactual.result import ChunkHeatmap, Explanation, Outcome
from ..errors import OutputError, called, rename
from ..events import CancelToken, Event, ProgressCallback, Reporter
from ..outputs.folder import check_output, write_result
from ..outputs.volumes import heatmap_file, write_image
from ..scans.scan import Scan
from .job import GeneratedInput, Job

if TYPE_CHECKING:
    from ..models.own.consent import Consent

# A generated chest: fine enough to look like a CT, small enough for a minute on two cores.
GENERATED_SPACING_MM = (1.0, 1.0, 2.0)


def run_job(
    job: Job,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    consent: Consent | None = None,
) -> Path:
    """Read, explain and write what a job asks for; return the result folder.

    Everything that can fail early is checked before the scan is read. With `job.stream`, each
    chunk's heatmap is there as `chunk_KKK-KKK.nrrd` before the chunk's event, whose data names it
    (`heatmap`). The last event, `written`, carries `output`, `scores` and `flags`.

    `consent` says whether code of own models may run; None: if it was consented to before.

    Raises
    ------
    ScanError, ModelError, SettingsError, OutputError, Cancelled
        Then no result is left, and an earlier one is untouched.
    """
    cancel = cancel or CancelToken()
    check_output(job.output, job.force)
    explanation = _explain(job, _Stream(job.stream, progress), cancel, consent)
    cancel.check()
    out = write_result(
        explanation, job.output, job.force, job.scene, job.with_scan, job.report
    )
    Reporter(progress).report(
        "written", f"Result written to {out}", 1.0, output=str(out),
        scores=asdict(explanation.scores), flags=[flag.name for flag in explanation.flags],
    )
    return out


def read_input(job: Job) -> Scan:
    """Read or generate the scan that a job names; raises `ScanError` or `SettingsError`."""
    if isinstance(job.input, GeneratedInput):
        return _generate(job.input)
    from ..scans.read import read_scan

    path, name = job.input.path, job.input.name
    with called(path, name):
        scan = read_scan(path, job.input.series, job.input.assume_hu)
    if not name:
        return scan
    warnings = tuple((kind, rename(text, path, name)) for kind, text in scan.warnings)
    return replace(scan, name=name, warnings=warnings)


def _explain(
    job: Job, stream: _Stream, cancel: CancelToken, consent: Consent | None
) -> Explanation:
    from ..counterfactual.engine import explain
    from ..counterfactual.region import check_region, read_region
    from ..models.catalogue import load_autoencoder, load_classifier

    cancel.check()
    classifier = load_classifier(job.classifier, consent)
    classifier.find_target(job.target)
    region = None
    if job.region:
        with called(job.region, job.region_name):
            region = read_region(job.region, job.region_name)
        check_region(region, job.settings)
    autoencoder = load_autoencoder(job.autoencoder, consent)
    cancel.check()
    scan = read_input(job)
    cancel.check()
    check_output(job.output, job.force, voxels=math.prod(scan.size))
    return explain(
        scan, classifier, job.target, autoencoder, job.settings, region=region,
        progress=stream.on_event, cancel=cancel, on_chunk=stream.on_chunk,
    )


class _Stream:
    """Writes chunk heatmaps as they come, each complete or not at all, and names them in events."""

    def __init__(self, folder: str | None, progress: ProgressCallback | None):
        self._folder = Path(folder) if folder else None
        self._progress = progress
        self._files: dict[tuple[int, int], Path] = {}
        if self._folder:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"Cannot write into {folder}: {error.strerror}.") from error

    def on_chunk(self, outcome: Outcome, heatmap: ChunkHeatmap) -> None:
        if self._folder is None:
            return
        path = self._folder / Path(heatmap_file(heatmap.start, heatmap.stop)).name
        partial = path.with_name(f".{path.name}.partial.nrrd")  # the suffix names the format
        write_image(heatmap.image, partial)
        os.replace(partial, path)
        self._files[outcome.start, outcome.stop] = path

    def on_event(self, event: Event) -> None:
        if self._progress is None:
            return
        if event.step == "chunk":
            file = self._files.get((event.data["start"], event.data["stop"]))
            if file:
                event = replace(event, data={**event.data, "heatmap": str(file)})
        self._progress(event)


def _generate(chest: GeneratedInput) -> Scan:
    from ..scans.generated import ChestSettings, generate_chest

    made = generate_chest(
        ChestSettings(
            spacing=GENERATED_SPACING_MM, seed=chest.seed, effusion_ml=chest.effusion_ml
        )
    )
    scan = Scan.from_array(
        made.hu, made.spacing, made.origin, name=f"generated-chest-{chest.seed}"
    )
    digest = hashlib.sha256(np.ascontiguousarray(made.hu).tobytes()).hexdigest()
    return replace(scan, path=f"generated chest, seed {chest.seed}", sha256=digest)
