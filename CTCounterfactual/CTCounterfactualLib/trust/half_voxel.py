"""Is the explanation the same when the scan is resampled by half a voxel?

Interpolation shifts and blurs a little what the patient doesn't. Methods differ in how much they
mind.
"""

from __future__ import annotations

from .kind import TrustTest
from .perturbed import compare, half_a_voxel
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# Less than for noise: interpolation blurs, and a place of few voxels shifts by part of one. Latent
# Shift on part of a chest has 0.81 and 0.91 (`TRUST.md`).
LIMITS = Limits(0.7, 0.4)
SENTENCES = {
    PASS: "Resampled by half a voxel, the strongest places stay where they are in the patient.",
    WARN: "Resampled by half a voxel, some of the strongest places move in the patient.",
    FAIL: "Resampled by half a voxel, most of the strongest places move in the patient.",
}


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Explain the resampled scan and compare in the patient."""
    if subject.region is not None:
        return test.not_run(
            "It was explained within a region, whose mask fits the scan's own grid only."
        )
    again = subject.again(half_a_voxel(subject.result.scan))
    return compare(test, subject, [again], SENTENCES)


TEST = TrustTest(
    name="half-voxel",
    description="Is the explanation the same when the scan is resampled by half a voxel?",
    measure="Dice of the strongest places",
    limits=LIMITS,
    run=run,
)
