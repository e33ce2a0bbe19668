"""Is the explanation the same when the scan has 1 HU more of noise?

No reader sees that much, and no scanner repeats itself as well.
"""

from __future__ import annotations

from .kind import TrustTest
from .perturbed import compare, noisy
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# Latent Shift on part of a chest has 0.81 and 0.96 with two classifiers (`TRUST.md`).
# Below half, most of what is pointed at is the noise's.
LIMITS = Limits(0.8, 0.5)
SENTENCES = {
    PASS: "With 1 HU of noise the strongest places stay where they are.",
    WARN: "With 1 HU of noise, which nobody sees, some of the strongest places move.",
    FAIL: "With 1 HU of noise, which nobody sees, most of the strongest places move.",
}
# Thorough: so many draws of noise.
SEEDS = 5


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Explain with noise; thorough: `SEEDS` times."""
    return compare(test, subject, noise_runs(subject, SEEDS if thorough else 1), SENTENCES)


def noise_runs(subject: Subject, seeds: int):
    """Return explanations of the scan with noise of seeds 1 to `seeds`; made once."""
    scan, hu = subject.result.scan, subject.prepared.spec.own_per_hu
    return [
        subject.again(noisy(scan, seed, hu), key=("noise", seed)) for seed in range(1, seeds + 1)
    ]


TEST = TrustTest(
    name="noise",
    description="Is the explanation the same with 1 HU of noise in the scan?",
    measure="Dice of the strongest places",
    limits=LIMITS,
    run=run,
    source="Alvarez-Melis D, Jaakkola T. On the Robustness of Interpretability Methods. 2018.",
)
