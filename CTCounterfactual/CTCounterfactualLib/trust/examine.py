"""The verb `trust`: put a finished explanation to the tests, and say of it what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bench.volumes import turned
from ..counterfactual.region import read_region
from ..counterfactual.result import DISCLAIMER, Explanation
from ..counterfactual.settings import ExplainSettings
from ..errors import Cancelled, CTCounterfactualError, SettingsError
from ..evaluation.recorded_model import recorded_autoencoder, recorded_classifier
from ..evaluation.subject import method_name, read_any
from ..evaluation.truth import read_truth
from ..events import CancelToken, ProgressCallback, Reporter
from ..methods.attribution import Attribution
from ..models.catalogue import load_classifier
from ..models.classifier import ClassifierLike
from ..outputs.reading import read_record
from ..outputs.region_record import REGION_FILE
from ..scans.grid import resample_onto
from ..scans.read import read_scan
from ..setting_choices import AUTO_REGION
from ..storage.names import check_name
from ..wording import say
from .kind import TrustTest
from .registry import chosen_tests
from .subject import Subject
from .verdict import FAIL, NOT_RUN, PASS, STATUSES, WARN, Verdict
from .written import write_examination

if TYPE_CHECKING:
    from ..models.own.consent import Consent

SCHEMA = 1
# The tests that run by default take at most so many times what the explanation took.
MOST_TIMES = 2.0
HALF = 0.5


@dataclass(frozen=True)
class Examination:
    """What all tests of an explanation said; `trust.json` holds it.

    Parameters
    ----------
    about : dict
        Method, classifier, target and scan, by name.
    scores : dict
        Of scan, reconstruction and counterfactual; of a map that of the scan alone.
    verdicts : tuple of Verdict
        In the order they were made.
    left : tuple of str
        Tests that a cancel kept from running.
    seconds, explanation_seconds : float
        What the tests took, and what the explanation had taken.
    """

    about: dict[str, str]
    scores: dict[str, float]
    verdicts: tuple[Verdict, ...]
    left: tuple[str, ...]
    seconds: float
    explanation_seconds: float

    @property
    def status(self) -> str:
        """The worst of all verdicts; `not run` if none has a number."""
        told = {verdict.status for verdict in self.verdicts}
        return next((status for status in (FAIL, WARN, PASS) if status in told), NOT_RUN)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `trust.json`."""
        return {
            "schema": SCHEMA,
            "disclaimer": DISCLAIMER,
            **self.about,
            "scores": self.scores,
            "status": self.status,
            "partial": bool(self.left),
            "left": list(self.left),
            "seconds": round(self.seconds, 2),
            "explanation_seconds": round(self.explanation_seconds, 2),
            "tests": [verdict.to_dict() for verdict in self.verdicts],
        }

    @property
    def summary(self) -> str:
        """All of it in one sentence."""
        counts = {status: sum(v.status == status for v in self.verdicts) for status in STATUSES}
        told = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
        meaning = {
            FAIL: "Don't rely on this explanation.",
            WARN: "Rely on it with care.",
            PASS: "Nothing that was tested speaks against it.",
            NOT_RUN: "Nothing could be tested.",
        }[self.status]
        stopped = f" Cancelled before {', '.join(self.left)}." if self.left else ""
        return f"{told or 'no test done'}. {meaning}{stopped}"


def examine(
    subject: Subject,
    tests: Sequence[TrustTest],
    thorough: bool = False,
    most_seconds: float | None = None,
) -> Examination:
    """Run tests one after another; what fails to run says why, and a cancel keeps what is done.

    With `most_seconds` a test is left out whose explanations would go beyond it, as far as the
    explanations made so far tell.
    """
    verdicts: list[Verdict] = []
    begun = perf_counter()
    for number, test in enumerate(tests):
        started = perf_counter()
        try:
            subject.reporter.report("test", test.description, number / len(tests), test=test.name)
            if most_seconds is not None and _beyond(test, subject, begun, most_seconds):
                verdict = test.not_run(
                    f"Left out, to stay within {MOST_TIMES:g} times the explanation's own time: "
                    f"ask for it by its name."
                )
            else:
                verdict = test.run(test, subject, thorough)
        except Cancelled:
            break
        except CTCounterfactualError as error:
            verdict = test.not_run(" ".join(str(error).split()))
        verdicts.append(replace(verdict, seconds=perf_counter() - started))
    left = tuple(test.name for test in tests[len(verdicts) :])
    result = subject.result
    about = {
        "method": method_name(result),
        "classifier": result.classifier.name,
        "target": result.target.name,
        "scan": result.scan.name,
    }
    scores = (
        asdict(result.scores) if isinstance(result, Explanation) else {"original": result.score}
    )
    seconds = perf_counter() - begun
    return Examination(about, scores, tuple(verdicts), left, seconds, subject.seconds)


def _beyond(test: TrustTest, subject: Subject, begun: float, most_seconds: float) -> bool:
    """Return whether a test's explanations would end later than allowed."""
    expected = max(subject.run_seconds, default=0.0) * test.runs
    return bool(test.runs) and perf_counter() - begun + expected > most_seconds


def examine_result(
    folder: str | Path,
    tests: Sequence[str] = (),
    all_tests: bool = False,
    truth: str | Path | None = None,
    scan: str | Path | None = None,
    classifier: str | Path | ClassifierLike | None = None,
    autoencoder: Any = None,
    region: str | Path | None = None,
    second: Sequence[str | Path | ClassifierLike] = (),
    consent: Consent | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Examination:
    """Test the explanation in a result folder; write `trust.json` and put failures among its flags.

    Its figure, report and scene are drawn anew, so that a failed explanation is shown as such.

    Parameters
    ----------
    folder : str or Path
        As `write_result` made it, of any method.
    tests : sequence of str
        Names of `trust.registry.NAMES`; none: the cheap ones, which take less than twice as long
        as the explanation.
    all_tests : bool
        All tests, and each thoroughly: more seeds, the whole cascade.
    truth : str or Path, optional
        Mask of the finding, to say whether maps of random weights still point there.
    scan, classifier, autoencoder, region : optional
        Those of the result, where its record can't name them: the scan if it has moved, models of
        the user's own, the region's mask.
    second : sequence
        Classifiers to be asked beside the embedded ones of the same finding.
    consent : Consent, optional
        Whether code of own models may run.

    Returns
    -------
    Examination
        Partial if it was cancelled: what was done by then, which is written too.

    Raises
    ------
    OutputError, ScanError, ModelError, SettingsError
        If the result can't be tested; nothing is written then.
    """
    folder = check_name(folder)
    chosen = chosen_tests(tuple(tests), all_tests)
    reporter = Reporter(progress, cancel)
    result = read_any(folder, None if scan is None else read_scan(scan, assume_hu=True))
    region = _region_mask(result, folder, region)
    subject = Subject(
        result=result,
        classifier=recorded_classifier(result.classifier, classifier, consent),
        autoencoder=_autoencoder(result, autoencoder, consent),
        settings=_settings(result),
        reporter=reporter,
        cancel=cancel or CancelToken(),
        region=None if region is None else read_region(region),
        second=tuple((load_classifier(each, consent), None) for each in second),
    )
    if truth is not None:
        subject.truth = _truth(subject, truth)
    quick = not tests and not all_tests
    examination = examine(
        subject, chosen, all_tests, MOST_TIMES * subject.seconds if quick else None
    )
    write_examination(folder, result, examination.to_dict(), examination.verdicts)
    Reporter(progress).report(
        "written", f"Written to {folder}: {examination.summary}", 1.0, status=examination.status
    )
    return examination


def _region_mask(
    result: Explanation | Attribution, folder: Path, given: str | Path | None
) -> str | Path | None:
    """Return the mask that a result was restricted to: its own file, or what the user gives."""
    named = isinstance(result, Explanation) and result.region_name
    own = folder / REGION_FILE
    if given not in (None, AUTO_REGION):
        return given
    if not named:
        return None
    if REGION_FILE in read_record(folder)["files"] and own.exists():
        return own
    raise SettingsError(
        f"The result was restricted to the region {named!r}, which it doesn't hold: give its "
        f"mask, {say('region', 'MASK')}."
    )


def _settings(result: Explanation | Attribution) -> ExplainSettings:
    if isinstance(result, Explanation):
        return result.settings
    return ExplainSettings(seed=result.seed)


def _autoencoder(result: Explanation | Attribution, given: Any, consent: Any) -> Any:
    if result.autoencoder is None:
        return None
    return recorded_autoencoder(result.autoencoder, given, consent)


def _truth(subject: Subject, mask: str | Path) -> np.ndarray:
    """Return the finding on the prepared grid: (K, J, I), bool."""
    upright = turned(subject.result.scan)
    finding = read_truth(upright, mask).finding
    assert finding is not None
    prepared = subject.prepared
    grid = prepared.as_image(prepared.volume)
    return resample_onto(grid, upright.with_array(finding.astype(np.float32))) >= HALF
