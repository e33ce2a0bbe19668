"""Flags: named warnings on why an explanation deserves less trust, in plain words."""

from __future__ import annotations

from .result import Flag, Outcome, Scores
from .search import stopping
from .settings import ExplainSettings

# The written volume is scored anew; a difference above this share of what the search moved the
# score by is worth a word.
WRITTEN_TOLERANCE = 0.15
# Two ways to compute a score in single precision agree to about this share of it.
SCORE_ROUNDING = 1e-5
# Re-encoding the counterfactual should cost hardly more than re-encoding the scan did.
PLAUSIBLE_RATIO = 1.15
# A slab whose gain is above this share of the best one's is read as evidence.
EVIDENCE_SHARE = 0.1


def raise_flags(
    scores: Scores,
    outcomes: tuple[Outcome, ...],
    searched_score: float,
    decode_ratio: float,
    notes: tuple[tuple[str, str], ...],
    settings: ExplainSettings,
) -> tuple[Flag, ...]:
    """Return all flags of an explanation.

    Parameters
    ----------
    scores : Scores
        Of scan, reconstruction and the counterfactual as written.
    outcomes : tuple of Outcome
        Whole and chunk searches.
    searched_score : float
        Score that the search found for the counterfactual on the prepared grid.
    decode_ratio : float
        mean |D(E(x')) - x'| / mean |D(E(x)) - x|: above 1 the autoencoder finds the
        counterfactual harder to draw than the scan, as it would something it never saw.
    notes : tuple of (name, message)
        Warnings of scan and classifier, passed on.
    settings : ExplainSettings
        Of the run.
    """
    flags = [Flag(name, message) for name, message in notes]
    moved = abs(scores.original - scores.counterfactual)
    gap = abs(scores.original - scores.reconstruction)
    if gap > moved:
        flags.append(
            Flag(
                "reconstruction-gap",
                f"The autoencoder alone moves the score by {gap:.4g}, more than the counterfactual "
                f"does ({moved:.4g}): what it cannot draw may matter to the classifier.",
            )
        )
    there = any(outcome.stop_reason == stopping.NOTHING_TO_FLIP for outcome in outcomes)
    if all(outcome.lam == 0 for outcome in outcomes) and not there:
        shown = (
            "the scan is unchanged"
            if settings.baseline == "scan"
            else "what is shown is the autoencoder's reconstruction of the scan"
        )
        flags.append(
            Flag(
                "score-did-not-move",
                f"No change within the limit moved the score the wanted way; {shown}.",
            )
        )
    searched = sum(outcome.stop_reason != stopping.OUTSIDE_REGION for outcome in outcomes)
    without = _without_gradient(outcomes)
    if without:
        flags.append(
            Flag(
                "no-gradient",
                f"{without} of {searched} searches had next to no gradient where evidence would "
                f"count: the classifier hardly reacts to these slices.",
            )
        )
    unfinished = sum(outcome.stop_reason == stopping.EVALUATION_LIMIT for outcome in outcomes)
    if unfinished:
        flags.append(
            Flag(
                "evaluation-limit",
                f"{unfinished} of {searched} searches ran out of evaluations; more might move the "
                f"score further.",
            )
        )
    beyond = [outcome for outcome in outcomes if _beyond_limit(outcome, settings)]
    if beyond:
        flags.append(
            Flag(
                "beyond-change-limit",
                f"Lambda was chosen by hand, and changes {beyond[0].change:.3g} of the image, more "
                f"than the limit of {settings.max_change:.3g} that a search keeps to.",
            )
        )
    written_gap = abs(scores.counterfactual - searched_score)
    allowed = max(
        WRITTEN_TOLERANCE * abs(scores.original - searched_score),
        SCORE_ROUNDING * max(abs(scores.original), abs(searched_score)),
    )
    if written_gap > allowed:
        flags.append(
            Flag(
                "written-score-differs",
                f"The search found {searched_score:.4g}, but the written volume scores "
                f"{scores.counterfactual:.4g}: part of the effect was lost on the scan's own grid.",
            )
        )
    if decode_ratio > PLAUSIBLE_RATIO:
        flags.append(
            Flag(
                "hard-to-draw",
                f"The autoencoder redraws the counterfactual {decode_ratio:.2f} times worse than "
                f"the scan: parts of it may look like nothing it has seen.",
            )
        )
    return tuple(flags)


def _beyond_limit(outcome: Outcome, settings: ExplainSettings) -> bool:
    return outcome.stop_reason == stopping.BY_HAND and outcome.change > settings.max_change


def _without_gradient(outcomes: tuple[Outcome, ...]) -> int:
    """Return how many searches had next to no gradient and yet moved the score, or none did at all.

    Slices that the classifier doesn't look at are harmless as long as nothing is read from them.
    """
    without = [outcome for outcome in outcomes if outcome.stop_reason == stopping.NO_GRADIENT]
    gains = [o.gain for o in outcomes if o.stop_reason != stopping.NO_GRADIENT]
    telling = EVIDENCE_SHARE * max(gains, default=0.0)
    return sum(outcome.gain > telling or telling <= 0 for outcome in without)
