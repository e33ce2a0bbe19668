"""Does the autoencoder alone move the score as far as the counterfactual does?

What D(E(x)) changes no search has chosen. Where that moves the score as much as the counterfactual,
part of what is shown may be the autoencoder's doing, or what it can't draw is what counts.
"""

from __future__ import annotations

from ..counterfactual.result import Explanation
from .kind import TrustTest
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# The flag of the same name is raised at 1: as far as the counterfactual. The embedded models have
# 0.05 on part of a chest (`TRUST.md`) and 0.19 on a whole one.
LIMITS = Limits(0.34, 1.0)
SENTENCES = {
    PASS: "The autoencoder alone moves the score by little of what the counterfactual does.",
    WARN: "The autoencoder alone moves the score by a good part of what the counterfactual does.",
    FAIL: "The autoencoder alone moves the score as far as the counterfactual, so the change that "
    "is shown needn't be what moved it.",
}


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Compare both from the three scores; costs nothing."""
    result = subject.result
    if not isinstance(result, Explanation):
        return test.not_run("A map has no reconstruction and no counterfactual to compare.")
    gap = abs(result.scores.original - result.scores.reconstruction)
    moved = max(subject.gain, 0.0)
    number = gap / moved if moved else (float("inf") if gap else 0.0)
    # JSON knows no infinity; so many times as far says the same.
    return test.of(min(number, MOST), SENTENCES, gap=gap, moved=subject.gain)


MOST = 1e6
TEST = TrustTest(
    name="reconstruction-gap",
    description="Does the autoencoder alone move the score as far as the counterfactual?",
    measure="|f(x) - f(D(E(x)))| / reduction",
    limits=LIMITS,
    run=run,
    runs=0,
    source="Cohen et al., Gifsplanation via Latent Shift, MIDL 2021: both are to be looked at.",
)
