"""Flags on the picture: parts of the counterfactual that could not exist, or that don't fit.

Each names its mL and the limit. A limit is a share of what changed, so that a counterfactual of a
small nodule is held to as much as one of a large effusion; it has a floor, below which the borders
of organs and noise cross it, and a ceiling, as no body holds that much of it however much changes.
The limits were set on scans whose true counterfactual is known; see
`Testing/Benchmarks/PLAUSIBILITY.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .aim import Aim
from .plausibility import LUNG_HU, PLAIN_HU, STRONG_HU
from .plausible import Plausibility
from .result import Flag, Scores


@dataclass(frozen=True)
class VolumeLimit:
    """A limit in mL: a `share` of the changed volume, `least` at least and `most` at most."""

    share: float
    least: float
    most: float

    def of(self, changed: float) -> float:
        """Return the limit in mL where so many mL changed."""
        return min(max(self.share * changed, self.least), self.most)


# Flag -> (what is measured, limit, what became of it).
MEASURES = {
    "wall-carved": (
        "wall_to_air",
        VolumeLimit(0.01, 0.5, 5.0),
        "of bone, or of tissue between ribs and skin, became as thin as lung",
    ),
    "too-bright": (
        "brightened",
        VolumeLimit(0.005, 0.3, 3.0),
        "became brighter than any soft tissue, where no bone was",
    ),
    "denser-tissue": (
        "denser_tissue",
        VolumeLimit(0.005, 0.5, 10.0),
        "of soft tissue or fluid became denser still",
    ),
    "haze": (
        "haze",
        # A lung that expands again moves its vessels: 9 mL of 1580 mL that changed.
        VolumeLimit(0.01, 0.5, 15.0),
        "of the lung became denser than the lung around it, away from its border",
    ),
    "air-changed": (
        "outside",
        VolumeLimit(0.02, 0.5, 5.0),
        "outside the body changed",
    ),
}
BOTH_WAYS, STILL_THERE = "both-ways", "satisfied-without-removal"
# Of the smaller of what became denser and what became less dense. A lung that expands again where
# air was in the pleura pushes a few mL of tissue aside.
BOTH_WAYS_LIMIT = VolumeLimit(0.1, 0.5, 100.0)
# Where a finding was taken out, so much of what changed visibly became another tissue, so much of
# the soft tissue that became less dense became lung or air; it takes so many mL to tell.
STRONG_SHARE, EMPTIED_SHARE, LEAST_ML = 0.1, 0.25, 1.0
# What changed was tissue if so much of it was; ground glass has borders, too. And of whatever it
# was, so much changed plainly, or nothing was taken out.
TISSUE_SHARE, PLAIN_SHARE = 0.2, 0.05


def plausibility_flags(found: Plausibility, scores: Scores, aim: Aim) -> tuple[Flag, ...]:
    """Return the flags on what a change made of the scan."""
    flags = []
    for name, (field, limit, words) in MEASURES.items():
        ml, most = getattr(found, field), limit.of(found.changed)
        if ml > most:
            flags.append(
                Flag(
                    name,
                    f"{ml:.3g} mL {words} (of {found.changed:.3g} mL that changed; limit "
                    f"{most:.3g} mL): no real scan would differ so.",
                )
            )
    less, most = min(found.raised, found.lowered), BOTH_WAYS_LIMIT.of(found.changed)
    if less > most and aim.threshold is not None:
        flags.append(
            Flag(
                BOTH_WAYS,
                f"{found.raised:.3g} mL of tissue became denser and {found.lowered:.3g} mL less "
                f"dense (limit {most:.3g} mL for the smaller): a finding that comes or goes moves "
                f"one way.",
            )
        )
    kept = _kept(found)
    if kept and aim.changed(scores.counterfactual) and not aim.changed(scores.original):
        flags.append(
            Flag(
                STILL_THERE,
                f"The decision changed, but {kept}: the classifier can be satisfied without "
                f"removing the finding.",
            )
        )
    return tuple(flags)


def _kept(found: Plausibility) -> str:
    """Return how the change leaves what was there; empty if it doesn't, or is too small to tell."""
    if found.plainly < PLAIN_SHARE * found.changed:
        return (
            f"of {found.changed:.3g} mL that changed only {found.plainly:.3g} mL did by "
            f"{PLAIN_HU:g} HU or more (limit {PLAIN_SHARE:.0%})"
        )
    tissue = max(LEAST_ML, TISSUE_SHARE * found.changed)
    if found.moved > tissue and found.strongly < STRONG_SHARE * found.moved:
        return (
            f"of {found.moved:.3g} mL of tissue that changed only "
            f"{found.strongly / found.moved:.0%} became another tissue (by {STRONG_HU:g} HU; limit "
            f"{STRONG_SHARE:.0%})"
        )
    if found.thinned > tissue and found.emptied < EMPTIED_SHARE * found.thinned:
        return (
            f"of {found.thinned:.3g} mL of soft tissue that became less dense only "
            f"{found.emptied / found.thinned:.0%} became lung or air (below {LUNG_HU:g} HU; limit "
            f"{EMPTIED_SHARE:.0%})"
        )
    return ""
