"""Is the explanation the same in another window of HU?

Cut to -1000..400 HU, soft tissue and lung look as before, and dense bone and contrast alike: what
counts shouldn't be there unless the classifier looks at bone.
"""

from __future__ import annotations

from ..scans.modality import CT
from .kind import TrustTest
from .perturbed import WINDOW_HU, compare, windowed
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# As for half a voxel. Latent Shift on part of a chest has 0.98 and 0.99 (`TRUST.md`).
LIMITS = Limits(0.7, 0.4)
_IN = f"In a window of {WINDOW_HU[0]:g} to {WINDOW_HU[1]:g} HU"
SENTENCES = {
    PASS: f"{_IN} the strongest places stay where they are.",
    WARN: f"{_IN} some of the strongest places move.",
    FAIL: f"{_IN} most of the strongest places move.",
}


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Explain the windowed scan and compare."""
    scan = subject.result.scan
    if scan.modality != CT:
        return test.not_run(f"The window is one of HU, and the scan is {scan.modality}.")
    return compare(test, subject, [subject.again(windowed(scan))], SENTENCES)


TEST = TrustTest(
    name="window",
    description="Is the explanation the same in another window of HU?",
    measure="Dice of the strongest places",
    limits=LIMITS,
    run=run,
)
