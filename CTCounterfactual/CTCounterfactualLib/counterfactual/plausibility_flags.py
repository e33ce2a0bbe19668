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
from .plausibility import LUNG_HU
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
        "wall_to_air", VolumeLimit(0.05, 1.0, 10.0),
        "of bone, or of tissue between ribs and skin, became as thin as lung",
    ),
    "too-bright": (
        "brightened", VolumeLimit(0.05, 1.0, 5.0),
        "became brighter than any soft tissue, where no bone was",
    ),
    "denser-tissue": (
        "denser_tissue", VolumeLimit(0.05, 2.0, 10.0),
        "of soft tissue or fluid became denser still",
    ),
    "haze": (
        "haze", VolumeLimit(0.02, 2.0, 10.0),
        "of the lung became denser than the lung around it, away from its border",
    ),
    "air-changed": (
        "outside", VolumeLimit(0.05, 3.0, 10.0), "outside the body changed",
    ),
}
BOTH_WAYS, STILL_THERE = "both-ways", "satisfied-without-removal"
# Of what changed: the smaller of what became denser and what became less dense.
BOTH_WAYS_LIMIT = VolumeLimit(0.25, 2.0, 100.0)
# Of the soft tissue that became less dense, so much became lung or air if a finding was taken out;
# it takes so many mL to tell.
EMPTIED_SHARE, EMPTIED_ML = 0.25, 2.0


def plausibility_flags(found: Plausibility, scores: Scores, aim: Aim) -> tuple[Flag, ...]:
    """Return the flags on what a change made of the scan."""
    changed = found.changed
    flags = []
    for name, (field, limit, words) in MEASURES.items():
        ml, most = getattr(found, field), limit.of(changed)
        if ml > most:
            flags.append(Flag(
                name, f"{ml:.3g} mL {words} (of {changed:.3g} mL that changed; limit "
                f"{most:.3g} mL): no real scan would differ so.",
            ))
    less, most = min(found.raised, found.lowered), BOTH_WAYS_LIMIT.of(changed)
    if less > most and aim.threshold is not None:
        flags.append(Flag(
            BOTH_WAYS,
            f"{found.raised:.3g} mL became denser and {found.lowered:.3g} mL less dense (limit "
            f"{most:.3g} mL for the smaller): a finding that comes or goes moves one way.",
        ))
    if _still_there(found) and aim.changed(scores.counterfactual):
        flags.append(Flag(
            STILL_THERE,
            f"The decision changed, but of {found.thinned:.3g} mL of soft tissue that became less "
            f"dense only {found.emptied / found.thinned:.0%} became lung or air (below "
            f"{LUNG_HU:g} HU; limit {EMPTIED_SHARE:.0%}): the classifier can be satisfied without "
            f"removing the finding.",
        ))
    return tuple(flags)


def _still_there(found: Plausibility) -> bool:
    return found.thinned > EMPTIED_ML and found.emptied < EMPTIED_SHARE * found.thinned
