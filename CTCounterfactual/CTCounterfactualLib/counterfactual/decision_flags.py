"""Flags on the decision: there was none to change, it didn't change, or its logit is lost."""

from __future__ import annotations

from ..wording import say
from .aim import Aim
from .direction import DECREASE, INCREASE
from .result import Flag, Outcome, Scores, TargetInfo
from .scale import has_logit
from .search.logit import saturated
from .settings import FLIP, LIMIT, ExplainSettings

ALREADY = {DECREASE: "already-negative", INCREASE: "already-positive"}
NOT_REACHED = "flip-not-reached"
SATURATED = "saturated"


def decision_flags(
    scores: Scores, whole: Outcome | None, aim: Aim, target: TargetInfo, settings: ExplainSettings
) -> tuple[Flag, ...]:
    """Return the flags on a run's decision.

    Parameters
    ----------
    scores : Scores
        Of scan, reconstruction and the counterfactual as written.
    whole : Outcome or None
        Of the search over all slices. A chunk alone need not change a decision.
    aim : Aim
        Of the run.
    target : TargetInfo
        Whose scores these are.
    """
    flags = []
    if aim.goal == FLIP and aim.changed(scores.original):
        flags.append(Flag(ALREADY[settings.direction], _already(scores, whole, aim, target)))
    elif aim.goal == FLIP and whole is not None:
        missed = _missed(scores, whole, aim, settings)
        flags += [Flag(NOT_REACHED, missed)] if missed else []
    lost = [
        f"{who} {score:.9g}"
        for who, score in (
            ("the scan", scores.original),
            ("the counterfactual", scores.counterfactual),
        )
        if has_logit(target.unit) and saturated(score)
    ]
    if lost:
        flags.append(
            Flag(
                SATURATED,
                f"The probability of {' and of '.join(lost)} is so near 0 or 1 that rounding has "
                f"eaten its logit: how far it moved can't be told, and its gradient may be lost. "
                f"If the classifier has the logit as a target, explain that.",
            )
        )
    return tuple(flags)


def _already(scores: Scores, whole: Outcome | None, aim: Aim, target: TargetInfo) -> str:
    lower = aim.direction == DECREASE
    side, calls = ("below", "does not call") if lower else ("at or above", "calls")
    text = (
        f"The scan's score of {scores.original:.4g} is {side} the threshold {aim.threshold:.4g} "
        f"already: the classifier {calls} {target.name} present, so there is no decision to "
        f"change."
    )
    if not aim.reached(scores.original):
        return (
            f"{text} The search went on to {aim.score:.4g}, where it would be as sure of that as a "
            f"changed decision is asked to be."
        )
    other = INCREASE if lower else DECREASE
    return (
        f"{text} Use {say('direction', other)} to see what would change it, or "
        f"{say('goal', LIMIT)} for what moves the score further this way."
    )


def _missed(scores: Scores, whole: Outcome, aim: Aim, settings: ExplainSettings) -> str:
    """Return how far a flip got that didn't come about; empty if it did."""
    found = scores.counterfactual
    if not aim.changed(found):
        return (
            f"The decision did not change: within the change limit of {settings.max_change:.3g} "
            f"the score came from {scores.original:.4g} to {found:.4g}; the threshold is "
            f"{aim.threshold:.4g} ({whole.stop_reason})."
        )
    if aim.reached(whole.score_after) or aim.reached(found):
        return ""
    return (
        f"The decision changed, but not surely: the score came from {scores.original:.4g} to "
        f"{found:.4g}, beyond the threshold {aim.threshold:.4g} but not as far as {aim.score:.4g} "
        f"({whole.stop_reason})."
    )
