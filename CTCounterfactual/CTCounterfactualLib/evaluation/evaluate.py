"""The verb `evaluate`: measure a finished explanation, and leave `metrics.json` beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..counterfactual.result import DISCLAIMER, Explanation
from ..errors import MissingExtraError, ModelError, OutputError
from ..events import CancelToken, ProgressCallback, Reporter
from ..metrics.realism import realism
from ..models.classifier import ClassifierLike
from ..outputs.earlier import RECORD
from ..outputs.joined import join_result
from ..outputs.report_measured import METRICS_FILE, write_report_anew
from ..storage.atomic import write_json
from ..storage.names import check_name
from . import definitions as d
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
    features : tuple of numpy.ndarray or None
        Of slices, to be pooled over results.
    """

    about: dict[str, str]
    metrics: dict[str, float]
    absent: dict[str, str]
    note: str = ""
    features: tuple[np.ndarray, np.ndarray] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `metrics.json`."""
        return {
            "schema": SCHEMA,
            "disclaimer": DISCLAIMER,
            **self.about,
            "truth": self.note,
            "metrics": self.metrics,
            "not_applicable": self.absent,
            "definitions": definitions_of(self.metrics),
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
    known = read_truth(subject.scan, truth, clean)
    measured = measure(subject, known)
    measured.add(d.STABILITY, stability(folder), NOT_TESTED)
    reporter.report("measured", "Measured what needs no model", 0.6)
    if with_classifier:
        _by_model(measured, subject, known, classifier, consent, reporter)
    else:
        measured.absent[d.REMOVAL] = "the classifier wasn't to be asked"
    made = Evaluation(
        _about(subject),
        _in_order(measured.metrics),
        measured.absent,
        known.note,
        measured.features,
    )
    reporter.check()
    write_json(folder / METRICS_FILE, made.to_dict())
    join_result(folder, METRICS_FILE)
    if isinstance(subject.result, Explanation):
        write_report_anew(folder, subject.result)
    reporter.report("written", f"Written to {folder / METRICS_FILE}", 1.0)
    return made


def evaluate_folder(
    folder: str | Path, one: Callable[[Path], Evaluation]
) -> tuple[dict[str, Evaluation], dict[str, Any]]:
    """Measure every result below a folder, and write their summary into it as `metrics.json`.

    Parameters
    ----------
    folder : str or Path
        That holds result folders, as `bench run` makes them.
    one : callable
        Measures one of them.

    Returns
    -------
    dict, dict
        Name -> evaluation, and the summary: of each metric its median, its mean, and how many have
        it; and the realism of all changed slices together.

    Raises
    ------
    OutputError
        If there is no result in it.
    """
    folder = check_name(folder)
    inside = sorted(path.parent for path in folder.glob(f"*/{RECORD}"))
    if not inside:
        raise OutputError(
            f"{folder} holds no result: there is no {RECORD} in it, nor in a folder in it. Choose "
            f"the folder that a result was written to."
        )
    made = {path.name: one(path) for path in inside}
    summary = {
        "schema": SCHEMA,
        "disclaimer": DISCLAIMER,
        "results": len(made),
        "metrics": pooled(list(made.values())),
    }
    write_json(folder / METRICS_FILE, summary)
    return made, summary


def pooled(made: list[Evaluation]) -> dict[str, dict[str, float]]:
    """Return of each metric {median, mean, n} over results; realism is that of all their slices."""
    of_slices = [name for name in d.METRICS if d.METRICS[name].group == d.REALISM]
    found = {}
    for name in _in_order({name: 0.0 for one in made for name in one.metrics}):
        values = [one.metrics[name] for one in made if name in one.metrics]
        if d.base_of(name) not in of_slices:
            found[name] = {
                "median": float(np.median(values)),
                "mean": float(np.mean(values)),
                "n": len(values),
            }
    features = [one.features for one in made if one.features is not None]
    if features:
        together = realism(*(np.concatenate(part) for part in zip(*features, strict=True)))
        found |= {
            name: {"median": value, "mean": value, "n": len(features)}
            for name, value in together.items()
        }
    return found


def definitions_of(metrics: dict[str, float]) -> dict[str, dict[str, str]]:
    """Return unit, better way and meaning of each metric among some."""
    return {
        name: {"unit": m.unit, "better": m.better, "meaning": m.words}
        for name, m in d.METRICS.items()
        if name in metrics
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


def _in_order(metrics: dict[str, float]) -> dict[str, float]:
    """Return numbers in the definitions' order, each followed by what stands beside it."""
    forms = [form for name in d.METRICS for form in (name, *(f"{name}_{b}" for b in d.BESIDE))]
    return {name: metrics[name] for name in forms if name in metrics}
