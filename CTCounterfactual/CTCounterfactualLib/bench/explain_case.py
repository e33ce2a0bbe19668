"""Explain one case of a bench: its result folder, its record, and if wanted the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..counterfactual.direction import DECREASE, INCREASE
from ..counterfactual.engine import explain
from ..counterfactual.machine import forget_peak_memory
from ..counterfactual.region import Region, read_region
from ..counterfactual.result import Explanation
from ..counterfactual.settings import ExplainSettings
from ..events import CancelToken
from ..methods.attribute import attribute
from ..methods.attribution import Attribution
from ..metrics.decision import ANEW
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
from ..storage.objects import read_object
from .bench_settings import BenchRun
from .case_events import CaseEvents
from .layout import BenchCase
from .models import Models, threshold_of
from .record import CASE_RECORD, REVERSAL_FILE, CaseRecord

COUNTERFACTUAL_FILE = "counterfactual.nrrd"
_OTHER_WAY = {DECREASE: INCREASE, INCREASE: DECREASE}


def explain_case(
    case: BenchCase,
    folder: Path,
    wanted: BenchRun,
    models: Models,
    events: CaseEvents,
    cancel: CancelToken | None,
) -> None:
    """Do what a case lacks: its explanation, its record, its way back.

    Raises
    ------
    CTCounterfactualError
        Then what was complete before stays, and of the rest nothing is left.
    """
    scored = (folder / CASE_RECORD).exists()
    returned = (folder / REVERSAL_FILE).exists() or not wanted.reversal
    if scored and returned:
        events.report("kept", "done before", 1.0)
        return
    scan, clean = read_scan(case.scan), read_scan(case.clean)
    work = _Work(case, wanted, models, *models.of(case, scan, clean), cancel)
    there, back = (events.half(False), events.half(True)) if wanted.reversal else (events, events)
    if not (folder / RECORD).exists():
        forget_peak_memory()
        with claim_output(folder, scene=wanted.scene) as output:
            output.write(work.result(scan, there), wanted.scene, cancel=cancel)
    if not scored:
        _record(case, folder, work.target, work.scores(scan, clean, folder)).write(folder)
    if not returned:
        changed = read_scan(folder / COUNTERFACTUAL_FILE)
        way_back = replace(
            wanted.settings, direction=_OTHER_WAY[wanted.settings.direction], mode="whole"
        )
        found = work.counterfactual(changed, way_back, back)
        with whole_file(folder / REVERSAL_FILE) as partial:
            write_image(changed.with_array(found.counterfactual), partial)
    events.report("case", "done", 1.0)


@dataclass(frozen=True)
class _Work:
    """A case with all that explains it."""

    case: BenchCase
    wanted: BenchRun
    models: Models
    classifier: Any
    target: Target
    cancel: CancelToken | None

    def result(self, scan: Scan, events: CaseEvents) -> Explanation | Attribution:
        """Return the explanation by the method that is wanted."""
        if self.wanted.counterfactual:
            return self.counterfactual(scan, self.wanted.settings, events)
        made = attribute(
            scan,
            self.wanted.method,
            self.classifier,
            self.target.label,
            self.wanted.method_options,
            self.wanted.autoencoder,
            self.wanted.settings,
            progress=events,
            cancel=self.cancel,
        )
        if made.partial and self.cancel is not None:
            self.cancel.check()  # half a map would be scored as a whole one
        return made

    def counterfactual(
        self, scan: Scan, settings: ExplainSettings, events: CaseEvents
    ) -> Explanation:
        """Return the counterfactual of a scan."""
        return explain(
            scan,
            self.classifier,
            self.target.label,
            self.models.autoencoder,
            settings,
            progress=events,
            cancel=self.cancel,
            region=_region(self.case, self.wanted.region),
        )

    def scores(self, scan: Scan, clean: Scan, folder: Path) -> dict[str, float]:
        """Return the clean scan's score, and with a counterfactual what it is to a fresh look."""
        found = {"clean": self.score(scan, clean)}
        changed = folder / COUNTERFACTUAL_FILE
        if changed.exists():
            found["clean" + ANEW] = self.score(clean, clean)
            anew = read_scan(changed)
            found["counterfactual" + ANEW] = self.score(anew, anew)
        return found

    @torch.inference_mode()
    def score(self, scan: Scan, volume: Scan) -> float:
        """Return a volume's score by the classifier as it is ready for the scan."""
        guarded = guarded_classifier(self.classifier)
        ready = guarded.for_scan(prepare(scan, guarded.grid))
        x = torch.from_numpy(prepare(volume, guarded.grid).volume)[None, None]  # (1, 1, K, J, I)
        return float(ready.score(x, self.target.name)[0])


def _region(case: BenchCase, given: str | None) -> Region | None:
    """Return a region by the name of a file in the case's folder, or by its path."""
    if given is None:
        return None
    own = case.scan.parent / given
    return read_region(own if own.is_file() else given)


def _record(case: BenchCase, folder: Path, target: Target, more: dict[str, float]) -> CaseRecord:
    result = read_object(folder / RECORD, MOST_RECORD_BYTES)
    scores = {name: score for name, score in result["scores"].items() if score is not None}
    return CaseRecord(
        case=case.case,
        finding=case.finding,
        classifier=result["classifier"]["name"],
        target=target.name,
        unit=target.unit,
        threshold=threshold_of(target),
        autoencoder=(result["autoencoder"] or {}).get("name", ""),
        scores={**scores, **more},
        seconds=result["timing"]["total"],
        peak_memory_mb=result["peak_memory_mb"],
        device=result["device"],
        flags=[flag["name"] for flag in result["flags"]],
    )
