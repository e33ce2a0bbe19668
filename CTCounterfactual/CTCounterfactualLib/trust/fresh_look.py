"""Does the counterfactual score so as a scan of its own, too?

Some classifiers find something once, in the scan that is explained (the lungs' region; where the
findings lie), and the counterfactual is scored with what was found in the scan. Whoever gives it to
the classifier as a new scan gets another score: the change should hold there, too.
"""

from __future__ import annotations

import torch

from ..counterfactual.direction import gain
from ..counterfactual.result import Explanation
from ..models.guarded.classifier import guarded_classifier
from ..scans.grid import prepare
from .kind import TrustTest
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# Half of what was achieved still is the change that is told; of nothing, or of the contrary, the
# counterfactual has only satisfied what was found in the scan. Chosen, not calibrated.
LIMITS = Limits(0.5, 0.1)
SENTENCES = {
    PASS: "As a scan of its own the counterfactual scores as it is told here, or further.",
    WARN: "As a scan of its own the counterfactual keeps only a part of the change in score.",
    FAIL: "As a scan of its own the counterfactual doesn't score so: the change holds only with "
    "what the classifier had found in the scan.",
}


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Give the counterfactual to the classifier as a new scan."""
    result = subject.result
    if not isinstance(result, Explanation):
        return test.not_run("A map has no counterfactual.")
    if subject.gain <= 0:
        return test.not_run("The score didn't move the wanted way: there is nothing to keep.")
    guarded = guarded_classifier(subject.classifier)
    changed = result.scan.with_voxels(result.counterfactual)
    prepared = prepare(changed, guarded.grid, subject.reporter.check)
    ready = guarded.for_scan(prepared)
    x = torch.from_numpy(prepared.volume)[None, None]  # -> (1, 1, K, J, I)
    with torch.inference_mode():
        anew = float(ready.score(x, result.target.name)[0])
    kept = gain(subject.settings.direction, subject.original, anew)
    return test.of(kept / subject.gain, SENTENCES, anew=anew, told=result.scores.counterfactual)


TEST = TrustTest(
    name="fresh-look",
    description="Does the counterfactual score so as a scan of its own, too?",
    measure="(f(x) - f'(x')) / (f(x) - f(x')), f' made ready for x'",
    limits=LIMITS,
    run=run,
    runs=0,
)
