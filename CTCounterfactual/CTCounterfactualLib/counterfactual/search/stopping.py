"""Why a search ended: names that appear in every result."""

from __future__ import annotations

from ..direction import INCREASE

TARGET_REACHED = "target reached"
DECISION_CHANGED = "decision changed"
NOTHING_TO_FLIP = "nothing to flip"
NO_FURTHER_DECREASE = "no further decrease"
NO_FURTHER_INCREASE = "no further increase"
CHANGE_LIMIT = "change limit"
NO_GRADIENT = "no gradient"
EVALUATION_LIMIT = "evaluation limit"
STEP_LIMIT = "step limit"
OUTSIDE_REGION = "outside region"
# No search ended here: somebody moved lambda by hand and kept what it showed.
BY_HAND = "chosen by hand"

STOP_REASONS = (
    TARGET_REACHED,
    DECISION_CHANGED,
    NOTHING_TO_FLIP,
    NO_FURTHER_DECREASE,
    NO_FURTHER_INCREASE,
    CHANGE_LIMIT,
    NO_GRADIENT,
    EVALUATION_LIMIT,
    OUTSIDE_REGION,
    STEP_LIMIT,
    BY_HAND,
)


def no_further(direction: str) -> str:
    """Return the reason "the score no longer moves" for a direction."""
    return NO_FURTHER_INCREASE if direction == INCREASE else NO_FURTHER_DECREASE
