"""All metrics of a result that can be computed, and of the others why not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..counterfactual.direction import gain
from ..counterfactual.result import Explanation
from ..metrics.decision import decision
from ..metrics.neighbourhood import within
from ..metrics.overlap import overlap
from ..metrics.pointing import pointing
from ..metrics.proximity import proximity
from ..metrics.realism import LEAST_SLICES, hu_texture, realism
from ..metrics.recovery import VISIBLE_CHANGE_HU, recovery
from ..metrics.smoothness import border_jump, roughness
from ..metrics.sparsity import sparsity
from ..metrics.spill import NEAR_MM, spill
from ..scans.grid import prepare
from ..scans.modality import CT
from ..scans.scan import Scan
from . import definitions as d
from .equivalent import in_equivalent_hu, in_own_unit, step_of
from .feature_space import Pair
from .subject import Subject
from .truth import Truth

MAP_ONLY = "{} makes a map and no counterfactual"
NO_TRUTH = "no truth was given: a mask of the finding, or the clean scan"
NO_CLEAN = "no clean scan was given"
# Of a perfect map, where the true change isn't known: the finding itself.
_OF_MASK = {"hit": 1.0, "hit_6mm": 1.0, "mass_in_mask": 1.0, "dice": 1.0}


@dataclass
class Measured:
    """Numbers by name; why there are none, by group; and the slices' features, to be pooled.

    Parameters
    ----------
    features : tuple of numpy.ndarray or None
        Of the scan's and of the counterfactual's changed slices: (N, d) each.
    places : tuple of numpy.ndarray or None
        The same of places in a named network's maps; see `feature_space`.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    features: tuple[np.ndarray, np.ndarray] | None = None
    places: Pair | None = None

    def add(self, group: str, found: dict[str, float], why: str) -> None:
        """Take numbers; if there are none, why."""
        self.metrics |= found
        if not found:
            self.absent[group] = why


def measure(subject: Subject, truth: Truth) -> Measured:
    """Return what needs no model; see `definitions` for what each number means.

    Of a scan that is no CT all numbers are in its own unit.
    """
    if subject.scan.modality == CT:
        return _measured(subject, truth)
    measured = _measured(*in_equivalent_hu(subject, truth))
    measured.metrics = in_own_unit(measured.metrics, step_of(subject.scan))
    return measured


def _measured(subject: Subject, truth: Truth) -> Measured:
    measured = Measured()
    result, change = subject.result, subject.change
    if change is None:
        for group in (
            d.SUCCESS,
            d.REDUCTION,
            d.OUTSIDE,
            d.PROXIMITY,
            d.SPARSITY,
            d.REALISM,
            d.RECOVERY,
        ):
            measured.absent[group] = MAP_ONLY.format(subject.method)
        shown = subject.volumes.heatmap
    else:
        shown = change
        _of_change(measured, subject, truth, change)
    if isinstance(result, Explanation):
        _of_scores(measured, result)
    if shown is not None:
        spacing = subject.scan.spacing
        found = roughness(shown, spacing)
        if subject.volumes.levels is not None and subject.volumes.chunk is not None:
            found |= border_jump(subject.volumes.levels, subject.volumes.chunk)
        measured.add(d.CONSISTENCY, found, "nothing is marked, or in one slice only")
        _of_place(measured, subject, truth, shown)
    _of_cost(measured, result)
    return measured


def _of_change(measured: Measured, subject: Subject, truth: Truth, change: np.ndarray) -> None:
    scan, body, spacing = subject.scan, subject.body, subject.scan.spacing
    changed = subject.volumes.changed
    assert changed is not None
    nowhere = np.zeros(body.shape, bool)
    finding = nowhere if truth.finding is None else truth.finding
    found = spill(change, finding, body, subject.outside, spacing)
    if truth.finding is None:
        found = {name: found[name] for name in found if name == "outside_body_hu"}
    else:
        far = body & ~within(finding, spacing, NEAR_MM)
        if far.any():
            found["spill_max_hu"] = float(np.abs(change)[far].max())
    measured.add(d.OUTSIDE, found, "the body fills the image")
    measured.add(d.PROXIMITY, proximity(scan.array, changed, body), "no body was found")
    measured.add(d.SPARSITY, sparsity(change, body, spacing), "")
    _of_slices(measured, subject)
    if truth.clean is None or truth.finding is None:
        measured.absent[d.RECOVERY] = NO_CLEAN
    else:
        found = recovery(scan.array, truth.clean, changed, truth.finding)
        measured.add(d.RECOVERY, found, "scan and clean scan are the same in the finding")


def _of_slices(measured: Measured, subject: Subject) -> None:
    changed = subject.volumes.changed
    if changed is None or subject.scan.modality != CT:
        measured.absent[d.REALISM] = "its features are shares of tissues by their HU: of CT only"
        return
    measured.features = _features(subject.scan, changed)
    few = f"fewer than {LEAST_SLICES} slices changed visibly"
    found = realism(*measured.features)
    measured.add(d.REALISM, found if "frechet" in found else {}, few)


def _features(scan: Scan, changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of the prepared slices that changed visibly, before and after."""
    before, after = prepare(scan), prepare(Scan(scan.with_array(changed)))
    moved = np.abs(after.volume - before.volume) * before.spec.window.hu_per_unit
    there = (moved > VISIBLE_CHANGE_HU).any(axis=(1, 2))
    body = before.body[there]
    return hu_texture(before.volume[there], body), hu_texture(after.volume[there], body)


def _of_scores(measured: Measured, result: Explanation) -> None:
    scores, direction = result.scores, result.settings.direction
    measured.metrics |= {
        "reduction": gain(direction, scores.original, scores.counterfactual),
        "reduction_from_reconstruction": gain(
            direction, scores.reconstruction, scores.counterfactual
        ),
        "reconstruction_gap": abs(scores.original - scores.reconstruction),
    }
    found = decision(scores.original, scores.counterfactual, None, result.target.threshold)
    if result.aim is not None and result.aim.score is not None:
        found["goal_reached"] = float(result.aim.reached(scores.counterfactual))
    measured.add(
        d.SUCCESS,
        found,
        f"the target {result.target.name!r} has no threshold, and no score was asked for",
    )


def _of_place(measured: Measured, subject: Subject, truth: Truth, shown: np.ndarray) -> None:
    if truth.finding is None:
        measured.absent[d.LOCALISATION] = NO_TRUTH
        return
    spacing = subject.scan.spacing
    found = pointing(shown, truth.finding, subject.body, spacing)
    found |= overlap(shown, truth.finding, subject.body, spacing)
    if not found:
        measured.absent[d.LOCALISATION] = "nothing is marked"
        return
    best = _OF_MASK
    if truth.clean is not None:
        true_change = truth.clean.astype(np.float32) - subject.scan.array
        best = pointing(true_change, truth.finding, subject.body, spacing)
        best |= overlap(true_change, truth.finding, subject.body, spacing)
    measured.metrics |= found
    measured.metrics |= {f"{name}_ceiling": best[name] for name in _OF_MASK if name in best}


def _of_cost(measured: Measured, result) -> None:
    if isinstance(result, Explanation):
        searches = (*([result.whole] if result.whole else []), *result.chunks)
        measured.metrics["evaluations"] = float(sum(one.evaluations for one in searches))
        measured.metrics["seconds"] = result.timing.total
    else:
        measured.metrics["seconds"] = result.seconds["total"]
    if result.peak_memory_mb:  # 0 where the system doesn't tell
        measured.metrics["peak_memory_mb"] = float(result.peak_memory_mb)
