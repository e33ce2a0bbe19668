"""What a test of an explanation says: pass, warn or fail, with its number and its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..counterfactual.result import Flag
from ..outputs.failed import FAILED_TEST
from ..wording import worded

PASS, WARN, FAIL, NOT_RUN = "pass", "warn", "fail", "not run"
STATUSES = (PASS, WARN, FAIL, NOT_RUN)


@dataclass(frozen=True)
class Limits:
    """Where a number passes and where it fails; between them it is a warning.

    Parameters
    ----------
    passes, fails : float
        The first at or beyond which it passes, the second beyond which it fails. Which of them is
        greater says which way is better.
    """

    passes: float
    fails: float

    def judge(self, number: float) -> str:
        """Return `pass`, `warn` or `fail`; what is no number fails."""
        if math.isnan(number):
            return FAIL
        way = 1 if self.passes > self.fails else -1
        if way * number >= way * self.passes:
            return PASS
        return FAIL if way * number < way * self.fails else WARN

    def __str__(self) -> str:
        least = self.passes > self.fails
        sign, other = (">=", "<") if least else ("<=", ">")
        return f"pass {sign} {self.passes:g}, fail {other} {self.fails:g}"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one test.

    Parameters
    ----------
    test : str
        Its name.
    status : str
        One of `STATUSES`.
    sentence : str
        What it means for this explanation, one sentence.
    number : float or None
        What was measured; None if it didn't run.
    measure : str
        What the number is, with its unit.
    limits : Limits or None
        Of the number.
    facts : mapping
        Plain JSON values: what else was found.
    seconds : float
        That it took.
    """

    test: str
    status: str
    sentence: str
    number: float | None = None
    measure: str = ""
    limits: Limits | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence", worded(self.sentence))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "facts": dict(self.facts), "seconds": round(self.seconds, 2)}

    def flag(self) -> Flag | None:
        """Return the warning that goes with a failed test; None for any other."""
        if self.status != FAIL:
            return None
        told = "" if self.number is None else f" ({self.measure} {self.number:.3g}; {self.limits})"
        return Flag(f"{FAILED_TEST}{self.test}", f"Test failed: {self.sentence}{told}")
