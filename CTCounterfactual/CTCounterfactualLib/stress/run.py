"""The verb `stress`: put what should be ignored into a scan, and see what the score does."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ..counterfactual.environment import choose_device, describe_device, versions
from ..counterfactual.gradient import as_slices, score_volume
from ..counterfactual.result import ModelInfo, TargetInfo
from ..counterfactual.scale import on_scale, scale_unit
from ..counterfactual.torch_state import run_state
from ..distractors import distract
from ..errors import Cancelled, CTCounterfactualError, ModelError, ScanError
from ..events import CancelToken, ProgressCallback, Reporter
from ..models.catalogue import load_classifier
from ..models.classifier import Classifier, ClassifierLike
from ..models.guarded.borrowed import borrowed
from ..models.guarded.classifier import guarded_classifier
from ..models.guarded.stoppable import stoppable
from ..models.targets import Target
from ..planting import plant
from ..scans.checks import check_scan
from ..scans.grid import prepare
from ..scans.read import read_scan
from ..scans.scan import Scan
from .ground import Ground
from .stress_settings import StressSettings
from .trial import DISTRACTOR, FINDING, NOTHING, Picture, Trial
from .verdict import Reference, Verdict, judge, overall, reference_of

if TYPE_CHECKING:
    from ..models.own.consent import Consent

# Noise that no one sees: what the score does then is what it does for nothing.
NOTHING_HU = 1.0
READ_SHARE = 0.05


@dataclass(frozen=True)
class StressReport:
    """What `stress` found.

    Parameters
    ----------
    scan : Scan
        The input.
    classifier, target : ModelInfo, TargetInfo
        Of what.
    settings : StressSettings
        What was tried.
    score : float
        Of the scan as it is, in the target's unit.
    scale : str
        Unit in which reactions are compared: that of the target, but a probability's logit.
    reference : Reference
        The reaction to a finding, and to nothing.
    trials : tuple of Trial
        All of them.
    verdicts : tuple of Verdict
        One a distractor.
    seconds : float
        That it took.
    """

    scan: Scan
    classifier: ModelInfo
    target: TargetInfo
    settings: StressSettings
    score: float
    scale: str
    reference: Reference
    trials: tuple[Trial, ...]
    verdicts: tuple[Verdict, ...]
    seconds: float
    versions: Mapping[str, str]
    device: str

    @property
    def level(self) -> str:
        """The worst verdict."""
        return overall(self.verdicts)


def stress(
    scan: Scan | str | Path,
    classifier: str | Path | ClassifierLike,
    target: str | None = None,
    settings: StressSettings | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    consent: Consent | None = None,
    device: str = "auto",
) -> StressReport:
    """Measure how a classifier reacts to what it should ignore, beside how it sees a finding.

    Each changed scan is prepared and scored like a new one.

    Parameters
    ----------
    scan, classifier, target, progress, cancel
        As for `explain`.
    settings : StressSettings, optional
        What to try.

    Raises
    ------
    ScanError, ModelError, SettingsError
        With what was found and what to do. What has no room in this scan is no error: its trials
        say so.
    Cancelled
        If `cancel` was set.
    """
    started = perf_counter()
    settings = settings or StressSettings()
    reporter = Reporter(progress, cancel)
    chosen = choose_device(device)
    with run_state(settings.seed, chosen):
        given = load_classifier(classifier, consent)
        guarded = guarded_classifier(given)
        wanted = guarded.find_target(target)
        if not guarded.grid.is_ct:
            raise ModelError(
                f"{guarded.name} is for {guarded.grid.modality}, and what is put into scans here "
                f"has its HU: only classifiers of CT can be stressed."
            )
        scan = check_scan(scan) if isinstance(scan, Scan) else read_scan(scan)
        reporter.report("read", f"Read {scan.name}; finding patient and lungs", 0.0)
        ground = Ground(scan)
        with borrowed((given,), chosen), stoppable((given,), reporter.check):
            work = _Stress(ground, guarded, wanted, settings, chosen, reporter)
            score, trials = work.run()
    finding, ml = settings.compared_with(wanted)
    scale = scale_unit(wanted.unit)
    reference = reference_of(trials, finding, ml, scale)
    return StressReport(
        scan,
        ModelInfo(guarded.name, guarded.sha256, guarded.description),
        TargetInfo(wanted.name, wanted.unit, wanted.threshold, wanted.negatives),
        settings,
        score,
        scale,
        reference,
        tuple(trials),
        tuple(
            judge(kind, trials, reference, score, wanted.threshold, scale) for kind in settings.only
        ),
        perf_counter() - started,
        versions(),
        describe_device(chosen),
    )


class _Stress:
    """One run of `stress`."""

    def __init__(
        self,
        ground: Ground,
        classifier: Classifier,
        target: Target,
        settings: StressSettings,
        device,
        reporter: Reporter,
    ):
        self.ground, self.classifier, self.target = ground, classifier, target
        self.settings, self.device, self.reporter = settings, device, reporter
        self.original = 0.0

    def run(self) -> tuple[float, list[Trial]]:
        self.original = self._score(self.ground.scan)
        finding, _ = self.settings.compared_with(self.target)
        wanted = [(NOTHING, NOTHING), (FINDING, finding)]
        wanted += [(DISTRACTOR, kind) for kind in dict.fromkeys(self.settings.only)]
        trials: list[Trial] = []
        count = len(wanted) * self.settings.draws
        for group, kind in wanted:
            for number in range(1, self.settings.draws + 1):
                self.reporter.check()
                trial = self._trial(group, kind, number)
                trials.append(trial)
                told = trial.problem or f"{trial.place}: {trial.delta:+.3g}"
                done = READ_SHARE + (1 - READ_SHARE) * len(trials) / count
                self.reporter.report("trial", f"{kind} {number}, {told}", done, kind=kind)
        return self.original, trials

    def _trial(self, group: str, kind: str, number: int) -> Trial:
        key = zlib.crc32(f"{group} {kind} {number}".encode())
        seed = int(np.random.SeedSequence([self.settings.seed, key]).generate_state(1)[0])
        try:
            hu, cover, place, ml = self._made(group, kind, np.random.default_rng(seed))
        except ScanError as error:
            return Trial(group, kind, number, seed, problem=error.text)
        picture = self._picture(hu, cover)
        try:
            score = self._score(self.ground.changed(hu))
        except Cancelled:
            raise
        except CTCounterfactualError as error:
            return Trial(
                group, kind, number, seed, place, ml, None, None, error.text, True, picture
            )
        unit = self.target.unit
        delta = on_scale(unit, score) - on_scale(unit, self.original)
        return Trial(group, kind, number, seed, place, ml, score, delta, picture=picture)

    def _made(
        self, group: str, kind: str, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | None, str, float]:
        """Return the changed scan (K, J, I), HU, what covers it, where, and how many mL."""
        ground = self.ground
        if group == NOTHING:
            grain = rng.standard_normal(ground.hu.shape, dtype=np.float32)
            return ground.hu + np.float32(NOTHING_HU) * grain, None, "1 HU of noise", 0.0
        if group == FINDING:
            _, ml = self.settings.compared_with(self.target)
            planted = plant(
                kind, ground.hu, ground.chest, ground.spacing, rng, ml, name=ground.scan.name
            )
            return planted.hu, planted.cover, planted.place, planted.ml
        made = distract(kind, ground.patient, rng)
        return made.hu, made.cover, made.place, made.ml

    def _score(self, scan: Scan) -> float:
        prepared = prepare(scan, self.classifier.grid, self.reporter.check)
        ready = self.classifier.for_scan(prepared)
        return score_volume(ready, self.target.name, as_slices(prepared.volume, self.device))

    def _picture(self, hu: np.ndarray, cover: np.ndarray | None) -> Picture:
        weight = np.abs(hu - self.ground.hu) if cover is None else cover
        k = int(weight.sum(axis=(1, 2)).argmax())
        i, j, _ = self.ground.spacing
        # Pictures grow down and to the patient's left.
        shown = None if cover is None else cover[k, ::-1, ::-1].copy()
        return Picture(hu[k, ::-1, ::-1].copy(), shown, j / i)
