"""Score the results of a bench, ours or a rival's, against the true counterfactuals."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import CTCounterfactualError, OutputError, ScanError
from ..events import CancelToken, ProgressCallback, Reporter
from ..metrics.decision import ANEW, decision, decision_anew
from ..metrics.lung_size import deep_haze_share, deep_share, lung_change_ml
from ..metrics.pointing import pointing
from ..metrics.recovery import recovery
from ..metrics.restraint import reversal, specificity
from ..metrics.smoothness import border_jump, roughness
from ..metrics.spill import spill
from ..scans.grid import prepare
from ..scans.scan import Scan
from ..storage.names import check_name
from .case_result import CaseResult, read_case_result
from .case_score import CaseScore
from .layout import EXPIRATION, BenchCase, chosen, read_cases
from .record import RunRecord
from .sheet import Pictures, draw_sheets, take_pictures
from .summary import summarise, write_scores_table, write_summary
from .volumes import CaseVolumes, read_case

# Of these the true counterfactual's own value is told, as `..._ceiling`: what was planted reaches
# beyond its mask by partial volume, breathing out changes the whole lung. Of others it is known.
_WITH_CEILING = (
    "spill_hu",
    "spill_share",
    "outside_body_hu",
    "hit",
    "hit_6mm",
    "mass_in_mask",
    "slice_roughness",
    "deep_share",
    "deep_haze_share",
)

_CHANGED_ANEW, _CLEAN_ANEW = "counterfactual" + ANEW, "clean" + ANEW


def score_bench(
    bench: str | Path,
    results: str | Path,
    scores: str | Path | None = None,
    pictures: bool = True,
    only: tuple[str, ...] = (),
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> list[CaseScore]:
    """Score each case; write `scores.csv`, `summary.json` and the picture sheets `sheet_NN.png`.

    Parameters
    ----------
    bench, results : str or Path
        What `bench make` and `bench run` wrote; or results of another method: `CASE/` with
        `counterfactual` and/or `heatmap`. No models are needed.
    scores : str or Path, optional
        Where to write; default: into `results`. Earlier scores there are replaced.
    pictures : bool
        Draw the sheets.
    only : tuple of str
        Patterns (`*`, `?`) of cases or findings; empty: all.

    Returns
    -------
    list of CaseScore
        One a case, in the bench's order; those without a result say why.

    Raises
    ------
    ScanError, OutputError
        If there is no bench or no folder of results, or nothing can be written.
    MissingExtraError
        If sheets are wanted and matplotlib isn't installed.
    """
    cases = chosen(read_cases(bench), only)
    folder = check_name(results)
    if not folder.is_dir():
        raise OutputError(f"There is no folder of results {folder}; run `bench run` first.")
    run = RunRecord.read(folder)
    reporter = Reporter(progress, cancel)
    found, drawn = [], []
    for number, case in enumerate(cases):
        score, picture = _score(case, folder / case.case, run, pictures)
        found.append(score)
        if picture is not None:
            drawn.append(picture)
        told = score.problem or _headline(score.metrics)
        reporter.report("case", f"{case.case}: {told}", (number + 1) / len(cases))
    target = folder if scores is None else check_name(scores)
    write_scores_table(found, target)
    write_summary(summarise(found), target)
    if drawn:
        draw_sheets(drawn, target)
    return found


def score_case(
    volumes: CaseVolumes, result: CaseResult, expiration: bool = False
) -> dict[str, float]:
    """Return all metrics of one result that can be computed; see the files of `metrics`.

    `expiration` adds how the lungs' volume changed.
    """
    spacing, x = volumes.scan.spacing, volumes.scan.array
    true_change = volumes.clean.astype(np.float32) - x
    found: dict[str, float] = {}
    change = None
    if result.changed is not None:
        change = result.changed - x
        found |= recovery(x, volumes.clean, result.changed, volumes.finding)
        found |= spill(change, volumes.finding, volumes.body, volumes.outside, spacing)
        found |= roughness(change, spacing)
        if volumes.other is not None:
            found |= specificity(change, volumes.finding, volumes.other)
        if result.back is not None:
            found |= reversal(x, result.changed, result.back)
    shown = result.heatmap if result.heatmap is not None else change
    if shown is not None:
        found |= pointing(shown, volumes.finding, volumes.body, spacing)
    if result.levels is not None and result.chunk is not None:
        found |= border_jump(result.levels, result.chunk)
    ceiling = spill(true_change, volumes.finding, volumes.body, volumes.outside, spacing)
    ceiling |= pointing(true_change, volumes.finding, volumes.body, spacing)
    ceiling |= roughness(true_change, spacing)
    if expiration and volumes.lungs is not None and change is not None:
        for values, of in ((found, change), (ceiling, true_change)):
            values |= deep_share(of, volumes.lungs, spacing)
            values |= deep_haze_share(of, volumes.lungs, x, volumes.clean, spacing)
    if expiration and result.changed is not None:
        found |= _lung_changes(volumes, result.changed)
    found |= {
        f"{name}_ceiling": ceiling[name]
        for name in _WITH_CEILING
        if name in ceiling and name in found
    }
    return found | _of_record(result)


def _score(
    case: BenchCase, folder: Path, run: RunRecord | None, pictures: bool
) -> tuple[CaseScore, Pictures | None]:
    try:
        volumes = read_case(case)
        result = read_case_result(folder, volumes.scan)
        metrics = score_case(volumes, result, case.finding == EXPIRATION)
    except (CTCounterfactualError, OSError) as error:
        failed = run.failed.get(case.case) if run else None
        return CaseScore(case, problem=failed or " ".join(str(error).split())), None
    return CaseScore(case, metrics), take_pictures(case, volumes, result) if pictures else None


def _lung_changes(volumes: CaseVolumes, changed: np.ndarray) -> dict[str, float]:
    """Return how much the lungs' volume changed, and how much it should have."""
    try:
        before, after, truth = (
            prepare(Scan(volumes.scan.with_array(hu)))
            for hu in (volumes.scan.array, changed, volumes.clean)
        )
        return {
            "lung_change_ml": lung_change_ml(before.lungs, after.lungs, before.spec.spacing),
            "lung_change_true_ml": lung_change_ml(before.lungs, truth.lungs, before.spec.spacing),
        }
    except ScanError:  # no lungs any more: nothing to compare
        return {}


def _of_record(result: CaseResult) -> dict[str, float]:
    """Return what the record of a run tells: decisions and cost."""
    record = result.record
    found: dict[str, float] = {}
    if {"original", "counterfactual"} <= record.scores.keys():
        found |= decision(
            record.scores["original"],
            record.scores["counterfactual"],
            record.scores.get("clean"),
            record.threshold,
        )
    if {"original", _CHANGED_ANEW, _CLEAN_ANEW} <= record.scores.keys():
        found |= decision_anew(
            record.scores["original"],
            record.scores[_CHANGED_ANEW],
            record.scores[_CLEAN_ANEW],
            record.threshold,
        )
    for name in ("seconds", "peak_memory_mb"):
        value = getattr(record, name)
        if value:  # 0 where the system doesn't tell
            found[name] = float(value)
    return found


def _headline(metrics: dict[str, float]) -> str:
    shown = ("recovered", "direction", "spill_share", "hit", "mass_in_mask", "gap_closed")
    return ", ".join(f"{name} {metrics[name]:.2f}" for name in shown if name in metrics)
