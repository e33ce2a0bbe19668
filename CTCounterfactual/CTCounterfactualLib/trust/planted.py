"""Does the same way of explaining find a finding whose truth is known, in this very scan?

The classifier's finding is planted into the scan, so that the scan before is the true
counterfactual, and the planted scan is explained as this one was.
"""

from __future__ import annotations

import numpy as np

from ..counterfactual.result import Explanation
from ..errors import CTCounterfactualError
from ..evaluation.by_model import scoring
from ..metrics.pointing import pointing
from ..metrics.recovery import recovery
from ..planting import FINDINGS, plant, ready_chest
from ..scans.grid import resample_onto
from ..scans.hounsfield import in_type
from ..scans.scan import Scan
from .kind import TrustTest
from .meaning import finding_of
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# 1 is the true counterfactual, 0 doing nothing; for maps, a mass that is several times chance's.
LIMITS = Limits(0.5, 0.1)
SENTENCES = {
    PASS: "A finding planted into this scan is found by this way of explaining.",
    WARN: "A finding planted into this scan is found only in part by this way of explaining.",
    FAIL: "A finding planted into this scan is missed by this way of explaining.",
}
# Looks and places that are drawn; the one is explained that the classifier sees most of.
SEED, TRIES = 31, 4
HALF = 0.5


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Plant, explain, compare: of a counterfactual what is recovered, of a map its mass there."""
    result = subject.result
    finding = finding_of(result.classifier.name, result.target.name)
    if finding not in FINDINGS:
        return test.not_run(f"No painter makes what the target {result.target.name!r} looks for.")
    if subject.settings.direction != "decrease":
        return test.not_run(
            "A planted finding can be taken out, not put in: this explanation raises the score."
        )
    prepared = subject.prepared
    hu = prepared.spec.window.to_hu(prepared.volume)
    before = _as_scan(subject, hu)
    try:
        chest = ready_chest(hu, prepared.lungs, subject.spacing, result.scan.name)
        tried = [
            plant(finding, hu, chest, subject.spacing, np.random.default_rng(SEED + number))
            for number in range(TRIES)
        ]
    except CTCounterfactualError as error:
        return test.not_run(f"Nothing could be planted: {' '.join(str(error).split())}")
    scores = [_score(subject, before), *(_score(subject, _as_scan(subject, m.hu)) for m in tried)]
    best = int(np.argmax(scores[1:]))
    made, (start, seen) = tried[best], (scores[0], scores[1 + best])
    facts = {"finding": finding, "place": made.place, "ml": made.ml, "scores": [start, seen]}
    threshold = result.target.threshold
    if seen <= start or (threshold is not None and seen < threshold):
        return test.not_run(
            f"{result.classifier.name} sees none of {TRIES} that were planted: there is nothing to "
            f"explain.",
            **facts,
        )
    after = _as_scan(subject, made.hu)
    again = subject.again(after).result
    values = again.difference if isinstance(again, Explanation) else again.values
    on_grid = resample_onto(before.image, again.scan.with_array(values))
    mask = made.cover >= HALF
    place = pointing(on_grid, mask, prepared.body, subject.spacing)
    facts |= place
    if isinstance(again, Explanation):
        found = recovery(after.array, before.array, after.array + on_grid, mask)
        return test.of(found.get("recovered", 0.0), SENTENCES, **facts, **found)
    return test.of(place.get("mass_in_mask", 0.0), SENTENCES, **facts)


def _as_scan(subject: Subject, hu: np.ndarray) -> Scan:
    """Return a volume of the prepared grid as a scan of its own."""
    image = subject.prepared.as_image(in_type(hu, np.dtype(np.int16)))
    return Scan(image, subject.result.scan.name)


def _score(subject: Subject, scan: Scan) -> float:
    """Return the score of a new scan, for which the classifier is made ready anew."""
    target = subject.result.target.name
    with scoring(subject.classifier, target, scan, subject.result, subject.reporter) as (p, score):
        return score(p.volume)


TEST = TrustTest(
    name="planted",
    description="Is a finding planted into this scan found and taken out?",
    measure="recovered (of a map: its mass in the finding)",
    limits=LIMITS,
    run=run,
    source="The truth bench of this project.",
)
