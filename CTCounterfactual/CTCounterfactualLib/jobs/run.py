"""Run a job here and now: what the command line and the worker process of Slicer have in common."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..counterfactual.result import Explanation
from ..errors import ModelError, OutputError, ScanError, SettingsError, called, rename
from ..events import CancelToken, ProgressCallback, Reporter
from ..methods.attribution import Attribution
from ..outputs.folder import ResultFolder, claim_output
from ..scans.modality import CT
from ..scans.scan import Scan
from ..storage.names import check_name
from .copies import with_facts
from .job import FileInput, GeneratedInput, Job
from .methods import by_counterfactual, run_method
from .stream import Stream, open_stream

if TYPE_CHECKING:
    from ..counterfactual.region import Region
    from ..models.autoencoder import AutoencoderLike
    from ..models.classifier import ClassifierLike
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
    (`heatmap`). The last event, `written`, carries `output`, `scores` and `flags`. An event
    `recovered` comes first where an earlier run for the same folder had been killed. A method that
    has found something when it is cancelled writes that.

    `consent` says whether code of own models may run; None: if it was consented to before.

    Raises
    ------
    ScanError, ModelError, SettingsError, OutputError, Cancelled
        Then no result is left, and an earlier one is untouched (but for `WrittenElsewhere`, which
        says where the result is).
    """
    cancel = cancel or CancelToken()
    cancel.check()
    _check_names(job)
    counterfactual = by_counterfactual(job)
    with (
        claim_output(job.output, job.force, job.scene, job.dicom) as output,
        open_stream(job.stream, progress) as stream,
    ):
        _check_apart(job, output.claim.target)
        if output.claim.notice:
            Reporter(progress).report("recovered", output.claim.notice, 0.0)
        with _no_exit(job):
            made: Explanation | Attribution
            if counterfactual:
                made = _explain(job, stream, cancel, consent, output)
            else:
                made = run_method(job, partial(read_input, job), progress, cancel, consent, output)
        if isinstance(made, Attribution) and made.partial:
            cancel = CancelToken()  # it ended the search; what was there is to be looked at
        cancel.check()
        out = output.write(made, job.scene, job.with_scan, job.report, cancel, job.dicom)
    scores = {"original": made.score} if isinstance(made, Attribution) else asdict(made.scores)
    Reporter(progress).report(
        "written",
        f"Result written to {out}",
        1.0,
        output=str(out),
        scores=scores,
        flags=[flag.name for flag in made.flags],
    )
    return out


def read_input(job: Job, modality: str = CT) -> Scan:
    """Read or generate the scan that a job names; raises `ScanError` or `SettingsError`.

    `modality` is what the classifier is for.
    """
    if job.dicom and modality != CT:
        raise SettingsError(
            f"DICOM files are made of CT in HU only, and classifier {job.classifier} is for "
            f"{modality}. Leave them out; all other files are written."
        )
    if isinstance(job.input, GeneratedInput):
        return _generate(job.input)
    from ..scans.read import read_scan

    path, name = job.input.path, job.input.name
    with called(path, name):
        scan = read_scan(path, job.input.series, job.input.assume_hu, modality)
    if job.input.copy_of:
        return with_facts(scan, job.input.copy_of)
    if not name:
        return scan
    warnings = tuple((kind, rename(text, path, name)) for kind, text in scan.warnings)
    return replace(scan, name=name, warnings=warnings)


def _check_names(job: Job) -> None:
    """Raise `ScanError` for names that the readers of images can't take."""
    if isinstance(job.input, FileInput):
        check_name(job.input.path, ScanError)
    if job.region_file:
        check_name(job.region_file, ScanError)


def _check_apart(job: Job, output: Path) -> None:
    """Raise `OutputError` if what is to be read lies where an earlier result would be removed."""
    read = [job.region_file, job.classifier, job.autoencoder]
    if isinstance(job.input, FileInput):
        read.append(job.input.path)
    for name in filter(None, read):
        path = Path(os.path.realpath(name))
        if path.exists() and (path == output or output in path.parents):
            raise OutputError(
                f"{name} lies in the output folder {output}, whose earlier result would be "
                f"replaced. Choose another output folder, or copy the file elsewhere."
            )


@contextmanager
def _no_exit(job: Job) -> Iterator[None]:
    """Turn what would end the program from within a model's own code into a `ModelError`."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ModelError(
            f"The code of the classifier {job.classifier} or the autoencoder {job.autoencoder} "
            f"ended the computation by {type(error).__name__}({error}). A model must return "
            f"numbers or raise an ordinary error; remove that call from it."
        ) from error


def asked_models(
    job: Job, cancel: CancelToken, consent: Consent | None
) -> tuple[ClassifierLike, AutoencoderLike, Region | str | None]:
    """Load what a counterfactual needs beside the scan: classifier, autoencoder, region.

    Raises
    ------
    ScanError, ModelError, SettingsError, Cancelled
        Before the scan, which takes longer, is read.
    """
    from ..counterfactual.region import check_region, read_region
    from ..models.catalogue import load_autoencoder, load_classifier

    cancel.check()
    classifier = load_classifier(job.classifier, consent)
    classifier.find_target(job.target)
    region: Region | str | None = job.region
    if job.region_file:
        with called(job.region_file, job.region_name):
            region = read_region(job.region_file, job.region_name)
    check_region(region, job.settings)
    autoencoder = load_autoencoder(job.autoencoder, consent)
    cancel.check()
    return classifier, autoencoder, region


def _explain(
    job: Job, stream: Stream, cancel: CancelToken, consent: Consent | None, output: ResultFolder
) -> Explanation:
    from ..counterfactual.engine import explain

    classifier, autoencoder, region = asked_models(job, cancel, consent)
    scan = read_input(job, classifier.grid.modality)
    cancel.check()
    output.check_space(math.prod(scan.size))
    return explain(
        scan,
        classifier,
        job.target,
        autoencoder,
        job.settings,
        region=region,
        progress=stream.on_event,
        cancel=cancel,
        on_chunk=stream.on_chunk,
    )


def _generate(chest: GeneratedInput) -> Scan:
    from ..scans.generated import ChestSettings, generate_chest

    made = generate_chest(
        ChestSettings(spacing=GENERATED_SPACING_MM, seed=chest.seed, effusion_ml=chest.effusion_ml)
    )
    scan = Scan.from_array(made.hu, made.spacing, made.origin, name=f"generated-chest-{chest.seed}")
    digest = hashlib.sha256(np.ascontiguousarray(made.hu).tobytes()).hexdigest()
    return replace(scan, path=f"generated chest, seed {chest.seed}", sha256=digest)
