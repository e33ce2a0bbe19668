"""A job whose method isn't Latent Shift: what it can't ask for, and its run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..events import CancelToken, ProgressCallback
from ..methods.attribution import Attribution
from ..methods.registry import LATENT_SHIFT, find_method
from ..outputs.folder import ResultFolder
from ..scans.scan import Scan
from .job import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..models.own.consent import Consent


def by_counterfactual(job: Job) -> bool:
    """Tell whether a job asks for a counterfactual; raise `SettingsError` for what can't be."""
    if job.method == LATENT_SHIFT:
        if job.method_options:
            raise SettingsError(
                f"{LATENT_SHIFT} has no options of its own ({', '.join(job.method_options)}): use "
                f"the settings of the search."
            )
        return True
    find_method(job.method).with_options(job.method_options)
    if job.region:
        raise SettingsError(
            f"The method {job.method} makes no use of 'region', which only {LATENT_SHIFT} has. "
            f"Leave it out."
        )
    return False


def run_method(
    job: Job,
    read: Callable[[str], Scan],
    progress: ProgressCallback | None,
    cancel: CancelToken,
    consent: Consent | None,
    output: ResultFolder,
) -> Attribution:
    """Explain the scan that `read` returns by the job's method; models are looked at before.

    `read` is given the modality that the classifier is for.
    """
    from ..methods.attribute import attribute
    from ..methods.needs import check_needs
    from ..models.catalogue import load_classifier
    from ..models.guarded.classifier import guarded_classifier

    classifier = load_classifier(job.classifier, consent)
    classifier.find_target(job.target)
    method = find_method(job.method)
    check_needs(method, guarded_classifier(classifier))
    cancel.check()
    scan = read(classifier.grid.modality)
    cancel.check()
    output.check_space(math.prod(scan.size))
    return attribute(
        scan,
        method,
        classifier,
        job.target,
        job.method_options,
        job.autoencoder,
        job.settings,
        progress=progress,
        cancel=cancel,
    )
