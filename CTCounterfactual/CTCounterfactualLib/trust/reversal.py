"""Does undoing the change lead back to the scan?

The counterfactual is explained the other way, back to the score that the scan had. (Reversibility
in Monteiro et al., "Measuring axiomatic soundness of counterfactual image models", ICLR 2023.)
"""

from __future__ import annotations

from typing import Any

from ..counterfactual.direction import DECREASE, INCREASE
from ..counterfactual.result import Explanation
from ..metrics.restraint import reversal
from ..scans.scan import Scan
from .kind import TrustTest
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# 1 is as far from the scan as before; above it the way back leads elsewhere. Latent Shift on part
# of a chest has 0.57 to 1.24 (`TRUST.md`): its way back isn't the way it came.
LIMITS = Limits(0.6, 1.0)
SENTENCES = {
    PASS: "Explained back to the score that it had, the scan is mostly restored.",
    WARN: "Explained back to the score that it had, the scan is restored only in part.",
    FAIL: "Explained back to the score that it had, the scan isn't restored: the way back changes "
    "other places.",
}
_BACK = {DECREASE: INCREASE, INCREASE: DECREASE}


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Explain the counterfactual the other way, and measure how far from the start it ends."""
    result = subject.result
    if not isinstance(result, Explanation):
        return test.not_run("A map changes nothing that could be undone.")
    if not result.difference.any():
        return test.not_run("Nothing was changed, so there is nothing to undo.")
    changed = Scan(
        result.scan.with_array(result.counterfactual),
        result.scan.name,
        modality=result.scan.modality,
    )
    back: dict[str, Any] = {"direction": _BACK[subject.settings.direction]}
    if subject.settings.search != "reference":  # which has no goal of its own
        back |= {"goal": None, "target_score": subject.original}
    again = subject.again(changed, settings=back).result
    assert isinstance(again, Explanation)
    found = reversal(result.scan.array, result.counterfactual, again.counterfactual)
    return test.of(found["reversal"], SENTENCES, score=again.scores.counterfactual)


TEST = TrustTest(
    name="reversal",
    description="Does undoing the change lead back to the scan?",
    measure="distance from the scan / change",
    limits=LIMITS,
    run=run,
    source="Monteiro M et al. Measuring Axiomatic Soundness of Counterfactual Image Models. ICLR "
    "2023.",
)
