"""What the trials say: does the classifier ignore what it should, beside how it sees a finding?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..counterfactual.scale import LOGIT
from ..distractors.distract import KINDS
from .trial import DISTRACTOR, FINDING, NOTHING, Trial

PASS, WARN, FAIL, UNKNOWN = "pass", "warn", "fail", "not measured"
# Worst first; what wasn't measured says nothing.
ORDER = (FAIL, WARN, PASS, UNKNOWN)
# A reaction of half of that to a finding that nobody should miss is a shortcut; below a fifth it
# is no more than patients differ by (doses of 80 mL and 120 mL of effusion differ by as much).
WARN_SHARE, FAIL_SHARE = 0.2, 0.5
# A finding that moves the score no further than this many times what 1 HU of noise does is not
# seen, and nothing can be compared with it.
SEEN_FLOORS = 3.0
# A logit that moves by less changes the odds by less than a twentieth: that is nothing.
LEAST_LOGIT = 0.05
# Where the finding isn't seen (most often because the scan has one already) a logit is judged by
# itself: a reaction that multiplies the odds by e is a shortcut whatever a finding would do.
WARN_LOGIT, FAIL_LOGIT = 0.5, 1.0


@dataclass(frozen=True)
class Reference:
    """What reactions are compared with.

    Parameters
    ----------
    finding : str
        "100 mL effusion".
    delta : float or None
        Median of its trials; None if none could be planted.
    floor : float
        The greatest reaction to nothing, and at least `LEAST_LOGIT` of a logit.
    rises : bool
        Whether only a rise is a reaction to the finding, as of its logit; a volume may fall, too.
    """

    finding: str
    delta: float | None
    floor: float
    rises: bool = False

    @property
    def seen(self) -> bool:
        """Whether the classifier reacts to the finding at all."""
        if self.delta is None:
            return False
        moved = self.delta if self.rises else abs(self.delta)
        return moved > SEEN_FLOORS * self.floor


@dataclass(frozen=True)
class Verdict:
    """Of one distractor.

    Parameters
    ----------
    kind, level, text : str
        Its name; `PASS`, `WARN`, `FAIL` or `UNKNOWN`; a sentence.
    median, worst : float or None
        Of how far the score moved, on its scale; the worst is that of the greatest size.
    share : float or None
        The worst beside the finding's: 1 is as much and the same way, -1 the other way.
    flips : int
        Trials after which the classifier decides otherwise.
    """

    kind: str
    level: str
    text: str
    median: float | None = None
    worst: float | None = None
    share: float | None = None
    flips: int = 0


def reference_of(trials: Sequence[Trial], finding: str, ml: float, unit: str) -> Reference:
    """Return what reactions are compared with, from the trials of the finding and of nothing.

    `unit` is that of the scale on which reactions are compared.
    """
    seen = _deltas(trials, FINDING)
    nothing = _deltas(trials, NOTHING)
    return Reference(
        f"{ml:g} mL {finding}",
        float(np.median(seen)) if seen else None,
        max([LEAST_LOGIT if unit == LOGIT else 0.0, *(abs(delta) for delta in nothing)]),
        rises=unit == LOGIT,
    )


def judge(
    kind: str,
    trials: Sequence[Trial],
    reference: Reference,
    original: float,
    threshold: float | None,
    unit: str,
) -> Verdict:
    """Judge the trials of one distractor.

    Parameters
    ----------
    original, threshold : float, float or None
        The scan's score, and where the classifier decides, in the target's unit.
    unit : str
        Of the scale on which reactions are compared.
    """
    mine = [t for t in trials if t.group == DISTRACTOR and t.kind == kind]
    name = KINDS[kind].words
    refused = [t for t in mine if t.refused]
    if refused:
        return Verdict(kind, WARN, f"refuses a scan with {name}: {refused[0].problem}")
    scored = [t for t in mine if t.delta is not None]
    if not scored:
        why = mine[0].problem if mine else "not tried"
        return Verdict(kind, UNKNOWN, f"{name}: {why}")
    worst = max(scored, key=lambda t: abs(t.delta or 0.0))
    delta = worst.delta or 0.0
    flips = sum(_flipped(original, t.score, threshold) for t in scored)
    share = None
    if reference.delta is not None and reference.seen:
        share = delta / reference.delta
    level = _level(delta, share, flips, reference.floor, unit)
    moved = f"{unit} {delta:+.3g}".strip()
    where = f"{moved}; {worst.place}"
    if abs(delta) <= reference.floor:
        text = f"ignores {name} ({moved}, as good as nothing)"
    elif share is None:
        text = f"moves for {name} by {where}; it hardly reacts to a {reference.finding} here"
    else:
        other = ", the other way" if share < 0 else ""
        verb = "hardly reacts to" if level == PASS else "reacts to"
        text = f"{verb} {name} as to {abs(share):.2g} of a {reference.finding}{other} ({where})"
    if flips:
        text += f"; the decision changes in {flips} of {len(scored)}"
    median = float(np.median([t.delta for t in scored if t.delta is not None]))
    return Verdict(kind, level, text, median, delta, share, flips)


def overall(verdicts: Sequence[Verdict]) -> str:
    """Return the worst of several levels; `UNKNOWN` only if nothing was measured."""
    levels = {verdict.level for verdict in verdicts}
    return next((level for level in ORDER if level in levels), UNKNOWN)


def _level(delta: float, share: float | None, flips: int, floor: float, unit: str) -> str:
    if abs(delta) <= floor:
        return PASS
    if flips:
        return FAIL
    if share is not None:
        size, warn, fail, otherwise = abs(share), WARN_SHARE, FAIL_SHARE, PASS
    elif unit == LOGIT:
        size, warn, fail, otherwise = abs(delta), WARN_LOGIT, FAIL_LOGIT, UNKNOWN
    else:
        return UNKNOWN
    return FAIL if size >= fail else WARN if size >= warn else otherwise


def _flipped(original: float, score: float | None, threshold: float | None) -> bool:
    if threshold is None or score is None:
        return False
    return (original >= threshold) != (score >= threshold)


def _deltas(trials: Sequence[Trial], group: str) -> list[float]:
    return [t.delta for t in trials if t.group == group and t.delta is not None]
