"""Does another classifier of the same finding agree that it is gone?

What only fools the one model (a pattern, a loophole) leaves another as it was. The other is asked
for its score of scan and counterfactual, and how much of its own way to "no finding" it went.
"""

from __future__ import annotations

from typing import Any

from ..counterfactual.direction import gain
from ..counterfactual.result import Explanation
from ..errors import CTCounterfactualError
from ..evaluation.by_model import scoring
from ..models.catalogue import load_classifier
from ..models.guarded.classifier import guarded_classifier
from ..models.targets import Target
from ..scans.grid import prepare
from .kind import TrustTest
from .meaning import decided, finding_of, others_of, target_for
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# Half of its own way and more; a tenth is what any change of the picture may do. The counterfactual
# of `findings-demo` has 0.99 by `effusion-demo`, the reverse 0.003 (`TRUST.md`).
LIMITS = Limits(0.5, 0.1)
SENTENCES = {
    PASS: "Another classifier of the same finding goes most of its way along.",
    WARN: "Another classifier of the same finding goes only a part of its way along.",
    FAIL: "Another classifier of the same finding hardly moves, or the other way: the change may "
    "fool this model alone.",
}


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Score scan and counterfactual by other classifiers; the least convinced one counts."""
    result = subject.result
    if not isinstance(result, Explanation):
        return test.not_run("A map has no counterfactual for another classifier to score.")
    finding = finding_of(result.classifier.name, result.target.name)
    asked: list[tuple[Any, str | None]] = list(subject.second)
    if finding is not None:
        asked += others_of(result.classifier.name, finding)
    if not asked:
        return test.not_run(f"No other embedded classifier sees {result.target.name!r}.")
    answers, problems = [], {}
    for which, target in asked:
        try:
            answers.append(_ask(subject, result, which, target, finding or result.target.name))
        except CTCounterfactualError as error:
            subject.reporter.check()
            problems[str(getattr(which, "name", which))] = " ".join(str(error).split())
    shares = [one["share"] for one in answers if one["share"] is not None]
    if not shares:
        why = (
            "; ".join(problems.values())
            or "The others don't see the finding in the scan itself, so they can't miss it"
        )
        return test.not_run(f"{why.rstrip('.')}.", answers=answers)
    return test.of(min(shares), SENTENCES, answers=answers, problems=problems)


def _ask(
    subject: Subject, result: Explanation, which: Any, name: str | None, finding: str
) -> dict[str, Any]:
    given = load_classifier(which)
    guarded = guarded_classifier(given)
    target = target_for(guarded, finding, name)
    changed = result.scan.with_voxels(result.counterfactual)
    with scoring(given, target.name, result.scan, result, subject.reporter) as (prepared, score):
        before = score(prepared.volume)
        after = score(prepare(changed, prepared.spec, subject.reporter.check).volume)
    return {
        "classifier": guarded.name,
        "target": target.name,
        "before": before,
        "after": after,
        "share": _share(result, target, before, after),
    }


def _share(result: Explanation, target: Target, before: float, after: float) -> float | None:
    """Return which part of its own way another classifier went.

    That is the way from its score of the scan to its score without the finding; of an amount, such
    as a volume, the part by which the first classifier changed. None if there is no way to go.
    """
    direction = result.settings.direction
    moved = gain(direction, before, after)
    decision = decided(target)
    if decision is not None:
        threshold, without = decision
        goal = without if direction == "decrease" else threshold + (threshold - without)
        way = gain(direction, before, goal)
        return moved / way if gain(direction, before, threshold) > 0 else None
    scores = result.scores
    own = gain(direction, scores.original, scores.counterfactual)
    if not scores.original or not before or not own:
        return None
    return (moved / abs(before)) / (own / abs(scores.original))


TEST = TrustTest(
    name="second-model",
    description="Does another classifier of the same finding agree?",
    measure="share of its own way that it went",
    limits=LIMITS,
    run=run,
    runs=0,
    source="Hvilshoj F et al. On quantitative evaluations of counterfactuals. 2021 (oracle score).",
)
