"""The verb `evaluate`: measure a finished explanation, and leave `metrics.json` beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..counterfactual.result import DISCLAIMER
from ..errors import MissingExtraError, ModelError
from ..events import CancelToken, ProgressCallback, Reporter
from ..models.classifier import ClassifierLike
from ..outputs.joined import join_result
from ..outputs.report_measured import METRICS_FILE, write_report_anew
from ..scans.modality import UNIT_OF_CT
from ..storage.atomic import write_json
from ..storage.names import check_name
from . import definitions as d
from .equivalent import step_of
from .feature_space import FeatureSpace, Pair
from .measure import Measured, measure
from .recorded_model import recorded_classifier
from .stability import NOT_TESTED, stability
from .subject import Subject, read_subject
from .truth import Truth, read_truth

if TYPE_CHECKING:
    from ..models.own.consent import Consent

SCHEMA = 1
# Metrics whose median over results says little: yes or no. Their mean is a rate.
RATES = frozenset(name for name, metric in d.METRICS.items() if metric.yes_no)


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one result; `metrics.json` holds it.

    Parameters
    ----------
    about : dict
        Method, classifier, target and scan, by name.
    metrics : dict
        Name -> number; a metric may have `..._chance`, `..._ceiling` or `..._floor` beside it.
    absent : dict
        Group of metrics -> why it has none.
    note : str
        How the truth was put onto the scan's grid.
    unit : str
        Of the scan.
    hu : float
        How much of it stands for 1 HU where a limit counts in HU.
    features, places : tuple of numpy.ndarray or None
        Of slices, and of places in a network's maps, to be pooled over results.
    """

    about: dict[str, str]
    metrics: dict[str, float]
    absent: dict[str, str]
    note: str = ""
    features: tuple[np.ndarray, np.ndarray] | None = None
    unit: str = UNIT_OF_CT
    hu: float = 1.0
    places: Pair | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `metrics.json`."""
        return {
            "schema": SCHEMA,
            "disclaimer": DISCLAIMER,
            **self.about,
            "truth": self.note,
            "metrics": self.metrics,
            "not_applicable": self.absent,
            "definitions": definitions_of(self.metrics, self.unit, self.hu),
        }


def evaluate_result(
    folder: str | Path,
    truth: str | Path | None = None,
    clean: str | Path | None = None,
    scan: str | Path | None = None,
    classifier: str | Path | ClassifierLike | None = None,
    with_classifier: bool = True,
    consent: Consent | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    space: FeatureSpace | None = None,
) -> Evaluation:
    """Measure a result folder of any method and write `metrics.json` into it.

    Parameters
    ----------
    folder : str or Path
        As `write_result` made it.
    truth, clean : str or Path, optional
        Mask of the finding (any grid), and the scan without it.
    scan : str or Path, optional
        The scan that was explained, if it isn't where the record says.
    classifier : optional
        That of the result, if it isn't one of the catalogue: a card, or an object.
    with_classifier : bool
        Whether to score again, for insertion and deletion (38 scores) and `gap_closed`.
    consent : Consent, optional
        Whether code of own models may run.
    space : FeatureSpace, optional
        A network for the perceptual distance, and with references for distances to real scans.

    Raises
    ------
    OutputError, ScanError
        If the result, its scan or the truth can't be read, or don't belong together; nothing is
        written then.
    Cancelled
        If `cancel` was set.
    """
    folder = check_name(folder)
    reporter = Reporter(progress, cancel)
    subject = read_subject(folder, scan)
    reporter.report("read", f"Read {folder}", 0.2)
    hu = step_of(subject.scan)
    known = read_truth(subject.scan, truth, clean, hu)
    measured = measure(subject, known)
    measured.add(d.STABILITY, stability(folder), NOT_TESTED)
    reporter.report("measured", "Measured what needs no model", 0.6)
    if with_classifier:
        _by_model(measured, subject, known, classifier, consent, reporter)
    else:
        measured.absent[d.REMOVAL] = "the classifier wasn't to be asked"
    if space is not None:
        from .by_features import add_by_features

        add_by_features(measured, subject, known, space, reporter)
    else:
        measured.absent[d.FEATURES] = "no network was named"
    made = Evaluation(
        {**_about(subject), **({"features": space.words} if space else {})},
        in_order(measured.metrics),
        measured.absent,
        known.note,
        measured.features,
        subject.scan.unit,
        hu,
        measured.places,
    )
    reporter.check()
    write_json(folder / METRICS_FILE, made.to_dict())
    join_result(folder, METRICS_FILE)
    write_report_anew(folder, subject.result)
    reporter.report("written", f"Written to {folder / METRICS_FILE}", 1.0)
    return made


def definitions_of(metrics: dict[str, float], unit: str, hu: float) -> dict[str, dict[str, Any]]:
    """Return unit, better way and meaning of each metric among some; see `definitions.in_unit`."""
    told = {name: d.in_unit(m, unit, hu) for name, m in d.METRICS.items() if name in metrics}
    return {
        name: {"unit": m.unit, "better": m.better, "meaning": m.words, "yes_no": m.yes_no}
        for name, m in told.items()
    }


def _by_model(
    measured: Measured,
    subject: Subject,
    known: Truth,
    given: Any,
    consent: Any,
    reporter: Reporter,
) -> None:
    """Add what needs the classifier; where it can't be had say so, the rest is told all the same.

    A classifier that the user names must be the right one.
    """
    try:
        classifier = recorded_classifier(subject.result.classifier, given, consent)
    except (ModelError, MissingExtraError) as error:
        if given is not None:
            raise
        measured.absent[d.REMOVAL] = " ".join(str(error).split())
        return
    from .by_model import add_by_model

    add_by_model(measured, subject, known, classifier, reporter)


def _about(subject: Subject) -> dict[str, str]:
    result = subject.result
    return {
        "method": subject.method,
        "classifier": result.classifier.name,
        "target": result.target.name,
        "scan": result.scan.name,
    }


def in_order(metrics: dict[str, float]) -> dict[str, float]:
    """Return numbers in the definitions' order, each followed by what stands beside it."""
    forms = [form for name in d.METRICS for form in (name, *(f"{name}_{b}" for b in d.BESIDE))]
    return {name: metrics[name] for name in forms if name in metrics}
