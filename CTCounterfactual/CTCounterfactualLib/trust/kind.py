"""What a test of trust is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .subject import Subject
from .verdict import NOT_RUN, Limits, Verdict


@dataclass(frozen=True)
class TrustTest:
    """One test of an explanation.

    Parameters
    ----------
    name : str
        On the command line and in records.
    description : str
        What it asks, one line.
    measure : str
        What its number is.
    limits : Limits
        Of the number.
    run : callable
        Takes the subject and whether to be thorough; returns a verdict by `of` or `not_run`.
    source : str
        Where it is from.
    runs : int
        Explanations that it makes at least.
    """

    name: str
    description: str
    measure: str
    limits: Limits
    run: Callable[[TrustTest, Subject, bool], Verdict]
    source: str = ""
    runs: int = 1

    def of(self, number: float, sentences: dict[str, str], **facts) -> Verdict:
        """Return the verdict of a number, with the sentence of its status."""
        status = self.limits.judge(number)
        return Verdict(
            self.name, status, sentences[status], float(number), self.measure, self.limits, facts
        )

    def not_run(self, why: str, **facts) -> Verdict:
        """Return that it doesn't apply, or can't run, and why."""
        return Verdict(self.name, NOT_RUN, why, None, self.measure, self.limits, facts)
