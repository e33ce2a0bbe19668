"""What a run aims at: to change the classifier's decision, to reach a score, or the change limit.

A counterfactual is the least change that changes the decision. So where the classifier's card says
at which score a finding is called present, the score goes to a stated confidence on the other side:
to the median of scans without the finding where the card has it, else to the scan's own score
mirrored at the threshold. Raising the score mirrors both.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SettingsError
from ..models.targets import Target
from ..wording import say
from .direction import gain, sign
from .scale import LOGIT, has_logit, on_scale
from .search.logit import probability_of
from .settings import FLIP, LIMIT, SCORE, ExplainSettings

# A flip ends so far beyond the threshold at least: on the logit (odds of 1 : 2.7 at even odds), and
# for any other unit as a share of the threshold.
LOGIT_MARGIN = 1.0
SHARE_MARGIN = 0.05


@dataclass(frozen=True)
class Aim:
    """What a run aims at, in the target's unit.

    Parameters
    ----------
    goal : str
        `flip`, `limit` or `score`.
    score : float or None
        To reach; None for `limit`.
    threshold : float or None
        Score at or above which the finding is called present; of a `flip` only.
    direction : str
        Which way the score is to go.
    """

    goal: str
    score: float | None = None
    threshold: float | None = None
    direction: str = "decrease"

    def changed(self, score: float) -> bool:
        """Return whether a score lies on the side of the threshold that is wanted.

        At the threshold the finding is present: raised to it is enough, lowered to it isn't.
        """
        if self.threshold is None:
            return False
        present = score >= self.threshold
        return present if sign(self.direction) > 0 else not present

    def reached(self, score: float) -> bool:
        """Return whether a score is at or beyond the one to reach."""
        return self.score is not None and gain(self.direction, self.score, score) >= 0


def check_goal(settings: ExplainSettings, classifier: str, target: Target) -> None:
    """Raise `SettingsError` if a decision is to change that the target doesn't make."""
    if settings.search != "reference" and settings.goal == FLIP and target.threshold is None:
        raise SettingsError(
            f"Target {target.name!r} of classifier {classifier} has no decision threshold on its "
            f"card, so there is no decision to change. Use {say('goal', LIMIT)} or "
            f"{say('target_score', 'SCORE')}, or add `threshold` to the card."
        )


def aim_of(settings: ExplainSettings, target: Target, start: float) -> Aim:
    """Return what a run aims at whose searches start at a score.

    The reference search has the paper's own stop rules, and aims at nothing else.
    """
    direction = settings.direction
    if settings.search == "reference":
        return Aim(LIMIT, direction=direction)
    if settings.target_score is not None:
        return Aim(SCORE, settings.target_score, direction=direction)
    if target.threshold is None or settings.goal == LIMIT:
        return Aim(LIMIT, direction=direction)
    return Aim(FLIP, _other_side(target, direction, start), target.threshold, direction)


def _other_side(target: Target, direction: str, start: float) -> float:
    """Return the score at which a decision counts as changed with confidence."""
    way = sign(direction)
    threshold = on_scale(target.unit, float(target.threshold or 0.0))
    if target.negatives is not None:
        beyond = threshold - on_scale(target.unit, target.negatives)
    else:
        beyond = -way * (on_scale(target.unit, start) - threshold)
        logits = has_logit(target.unit) or target.unit == LOGIT
        beyond = max(beyond, LOGIT_MARGIN if logits else SHARE_MARGIN * abs(threshold))
    found = threshold + way * beyond
    return probability_of(found) if has_logit(target.unit) else found
