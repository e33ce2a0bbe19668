"""Explain every case of a bench into a folder of results; what is done isn't done again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..counterfactual.direction import DECREASE, INCREASE
from ..counterfactual.engine import explain
from ..counterfactual.region import Region, read_region
from ..counterfactual.result import Explanation
from ..counterfactual.settings import ExplainSettings
from ..errors import Cancelled, CTCounterfactualError, as_out_of_memory
from ..events import CancelToken, Event, ProgressCallback, Reporter
from ..models.entry import DEFAULT_AUTOENCODER
from ..models.guarded.classifier import guarded_classifier
from ..models.targets import Target
from ..outputs.earlier import RECORD
from ..outputs.folder import claim_output
from ..outputs.volumes import write_image
from ..scans.grid import prepare
from ..scans.read import read_scan
from ..scans.scan import Scan
from ..storage.atomic import whole_file
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.names import check_name
from ..storage.objects import read_object
from .layout import BenchCase, chosen, read_cases
from .models import Models, threshold_of
from .record import CASE_RECORD, REVERSAL_FILE, CaseRecord, RunRecord

if TYPE_CHECKING:
    from ..models.own.consent import Consent

_OTHER_WAY = {DECREASE: INCREASE, INCREASE: DECREASE}
# Written to this file, Linux forgets the greatest memory so far, so that each case has its own.
_PEAK, _FORGET = Path("/proc/self/clear_refs"), "5"


@dataclass(frozen=True)
class BenchRun:
    """How to explain the cases of a bench.

    Parameters
    ----------
    classifier : str or None
        A catalogue name, a card, or `ideal`; None: the finding's own, see `models.OF_FINDING`.
    target : str or None
        None: that of the finding's name if the classifier has one, else its first.
    autoencoder : str
        Catalogue name or card.
    settings : ExplainSettings
        As for `explain`.
    region : str or None
        Mask outside which nothing changes: a path, or a file's name within each case's folder, such
        as `lungs.nrrd`.
    reversal : bool
        Explain each counterfactual the other way, too.
    only : tuple of str
        Patterns (`*`, `?`) of cases or findings; empty: all.
    scene : bool
        Write a scene for Slicer into each result.
    """

    classifier: str | None = None
    target: str | None = None
    autoencoder: str = DEFAULT_AUTOENCODER
    settings: ExplainSettings = field(default_factory=ExplainSettings)
    region: str | None = None
    reversal: bool = False
    only: tuple[str, ...] = ()
    scene: bool = False

    def decisive(self) -> dict[str, Any]:
        """Return plain JSON values of all that a result depends on."""
        return {
            "classifier": self.classifier, "target": self.target,
            "autoencoder": self.autoencoder, "region": self.region, **self.settings.to_dict(),
        }


def run_bench(
    bench: str | Path,
    results: str | Path,
    wanted: BenchRun,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    consent: Consent | None = None,
) -> dict[str, str]:
    """Explain each case of a bench into `results/CASE`; go on where an earlier run ended.

    A case that can't be explained is told by an event `failed`, noted in `run.json`, and doesn't
    keep the others; the next run tries it again.

    Returns
    -------
    dict
        Case -> why it has no result; empty if all went well.

    Raises
    ------
    ScanError, SettingsError, OutputError
        If there is no bench, the results are of other settings, or can't be written.
    Cancelled
        If `cancel` was set: finished cases stay, of the one at work nothing is left.
    """
    cases = chosen(read_cases(bench), wanted.only)
    folder = check_name(results)
    record = RunRecord.open(folder, wanted.decisive())
    models = Models(wanted.classifier, wanted.target, wanted.autoencoder, consent)
    reporter = Reporter(progress, cancel)
    failed = {}
    for number, case in enumerate(cases):
        of_case = _Part(reporter, progress, case.case, number / len(cases), 1 / len(cases))
        try:
            _run_case(case, folder / case.case, wanted, models, of_case, cancel)
            record.failed.pop(case.case, None)
        except Cancelled as error:
            raise Cancelled(
                f"Cancelled: {number} of {len(cases)} cases are done, and the same command goes on."
            ) from error
        except (CTCounterfactualError, MemoryError, RuntimeError) as error:
            failed[case.case] = _told(error)
            record.failed[case.case] = failed[case.case]
            reporter.report("failed", f"{case.case}: {failed[case.case]}", of_case.end)
        record.write(folder)
    return failed


@dataclass(frozen=True)
class _Part:
    """Events of one case as a part of the whole run's."""

    reporter: Reporter
    progress: ProgressCallback | None
    case: str
    start: float
    share: float

    @property
    def end(self) -> float:
        return self.start + self.share

    def half(self, second: bool) -> _Part:
        """Return the first or the second half of this part."""
        share = self.share / 2
        return replace(self, start=self.start + share * second, share=share)

    def __call__(self, event: Event) -> None:
        if self.progress is not None:
            fraction = min(self.start + self.share * event.fraction, 1.0)
            self.progress(Event(event.step, f"{self.case}: {event.message}", fraction, event.data))

    def report(self, step: str, message: str, fraction: float) -> None:
        self.reporter.report(step, f"{self.case}: {message}", self.start + self.share * fraction)


def _run_case(
    case: BenchCase, folder: Path, wanted: BenchRun, models: Models, part: _Part,
    cancel: CancelToken | None,
) -> None:
    """Do what a case lacks: its explanation, its record, its way back."""
    scored = (folder / CASE_RECORD).exists()
    returned = (folder / REVERSAL_FILE).exists() or not wanted.reversal
    if scored and returned:
        part.report("kept", "done before", 1.0)
        return
    scan, clean = read_scan(case.scan), read_scan(case.clean)
    classifier, target = models.of(case, scan, clean)
    region = _region(case, wanted.region)

    def explained(one: Scan, settings: ExplainSettings, second: bool) -> Explanation:
        progress = part.half(second) if wanted.reversal else part
        return explain(
            one, classifier, target.label, models.autoencoder, settings,
            progress=progress, cancel=cancel, region=region,
        )

    if not (folder / RECORD).exists():
        with suppress(OSError):
            _PEAK.write_text(_FORGET)
        with claim_output(folder, scene=wanted.scene) as output:
            output.write(explained(scan, wanted.settings, False), wanted.scene, cancel=cancel)
    if not scored:
        clean_score = _score(classifier, target, scan, clean)
        _record(case, folder, target, clean_score).write(folder)
    if not returned:
        way_back = _OTHER_WAY[wanted.settings.direction]
        changed = read_scan(folder / "counterfactual.nrrd")
        back = replace(wanted.settings, direction=way_back, mode="whole")
        found = explained(changed, back, True)
        with whole_file(folder / REVERSAL_FILE) as partial:
            write_image(changed.with_array(found.counterfactual), partial)
    part.report("case", "done", 1.0)


def _region(case: BenchCase, given: str | None) -> Region | None:
    if given is None:
        return None
    own = case.scan.parent / given
    return read_region(own if own.is_file() else given)


@torch.inference_mode()
def _score(classifier: Any, target: Target, scan: Scan, volume: Scan) -> float:
    """Return a volume's score by the classifier as it is ready for the scan."""
    guarded = guarded_classifier(classifier)
    ready = guarded.for_scan(prepare(scan, guarded.grid))
    x = torch.from_numpy(prepare(volume, guarded.grid).volume)[None, None]  # (1, 1, K, J, I)
    return float(ready.score(x, target.name)[0])


def _record(case: BenchCase, folder: Path, target: Target, clean_score: float) -> CaseRecord:
    result = read_object(folder / RECORD, MOST_RECORD_BYTES)
    return CaseRecord(
        case=case.case, finding=case.finding, classifier=result["classifier"]["name"],
        target=target.name, unit=target.unit, threshold=threshold_of(target),
        autoencoder=result["autoencoder"]["name"],
        scores={**result["scores"], "clean": clean_score},
        seconds=result["timing"]["total"], peak_memory_mb=result["peak_memory_mb"],
        device=result["device"], flags=[flag["name"] for flag in result["flags"]],
    )


def _told(error: BaseException) -> str:
    """Return an error on one line."""
    known = as_out_of_memory(error) or error
    ours = isinstance(known, CTCounterfactualError)
    return " ".join((str(known) if ours else f"{type(known).__name__}: {known}").split())
