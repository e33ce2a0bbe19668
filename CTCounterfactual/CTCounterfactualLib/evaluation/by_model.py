"""What needs the classifier again: insertion and deletion, and how far the clean scan would go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ..counterfactual.result import Explanation
from ..events import Reporter
from ..methods.attribution import Attribution
from ..metrics.decision import decision
from ..metrics.removal import removal
from ..models.classifier import ClassifierLike
from ..scans.grid import PreparedScan, prepare, resample_onto
from ..scans.scan import Scan
from . import definitions as d
from .measure import Measured
from .subject import Subject
from .truth import Truth

Score = Callable[[np.ndarray], float]
NO_SPAN = "a blurred scan scores as the scan does, so there is no way from one to the other"


def add_by_model(
    measured: Measured,
    subject: Subject,
    truth: Truth,
    classifier: ClassifierLike,
    reporter: Reporter,
) -> None:
    """Add insertion and deletion, and with a clean scan `gap_closed`.

    Raises
    ------
    ModelError, ScanError
        If the classifier fails, or has nothing to say about the scan.
    """
    result = subject.result
    with scoring(classifier, result.target.name, result.scan, result, reporter) as (ready, score):
        evidence = on_prepared(ready, result)
        found = removal(
            evidence, ready.volume, ready.body, ready.spec.spacing, score, seed_of(result)
        )
        measured.add(d.REMOVAL, found, NO_SPAN if evidence.any() else "nothing is marked")
        if truth.clean is not None and isinstance(result, Explanation):
            clean = prepare(subject.scan.with_voxels(truth.clean), ready.spec)
            scores = result.scores
            closed = decision(scores.original, scores.counterfactual, score(clean.volume))
            measured.metrics |= closed


def seed_of(result: Explanation | Attribution) -> int:
    """Return the seed of a result's run."""
    return result.settings.seed if isinstance(result, Explanation) else result.seed


def on_prepared(prepared: PreparedScan, result: Explanation | Attribution) -> np.ndarray:
    """Return a change (HU) or a map on a prepared grid: (K, J, I), float32."""
    values = result.difference if isinstance(result, Explanation) else result.values
    image = result.scan.with_array(values)
    return resample_onto(prepared.as_image(prepared.volume), image)


@contextmanager
def scoring(
    classifier: ClassifierLike,
    target: str,
    scan: Scan,
    result: Explanation | Attribution,
    reporter: Reporter,
) -> Iterator[tuple[PreparedScan, Score]]:
    """Give a scan on a classifier's grid, and its score of any volume (K, J, I) there.

    The classifier is made ready for the scan, and computes as in an explanation.
    """
    import torch

    from ..counterfactual.environment import choose_device
    from ..counterfactual.gradient import as_slices, score_volume
    from ..counterfactual.torch_state import run_state
    from ..models.guarded.borrowed import borrowed
    from ..models.guarded.classifier import guarded_classifier
    from ..models.guarded.stoppable import stoppable

    device = choose_device(result.settings.device if isinstance(result, Explanation) else "auto")
    guarded = guarded_classifier(classifier)
    prepared = prepare(scan, guarded.grid, reporter.check)
    with (
        run_state(seed_of(result), device),
        borrowed((classifier,), device),
        stoppable((classifier,), reporter.check),
    ):
        ready = guarded.for_scan(prepared)

        def score(volume: np.ndarray) -> float:
            reporter.check()
            with torch.no_grad():
                return score_volume(ready, target, as_slices(volume, device))

        yield prepared, score
