"""What is found of a spot: the facts of a result's record, and the sentence on top of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

COUNTERFACTUAL, SURROUNDINGS, MIRROR = "counterfactual", "surroundings", "mirror"
KINDS = {
    COUNTERFACTUAL: "its counterfactual",
    SURROUNDINGS: "its surroundings",
    MIRROR: "the mirrored side",
}
Point = tuple[float, float, float]
# A percentile from here on is more than chance; below the other one the place is like any other.
TELLING, USUAL = 95.0, 80.0
# Fewer control spots can't tell one place in twenty.
LEAST_CONTROLS = 19


@dataclass(frozen=True)
class Replacement:
    """The spot replaced in one way.

    Parameters
    ----------
    kind : str
        `counterfactual`, `surroundings` or `mirror`.
    score : float or None
        Of the scan with the spot replaced, in the target's unit; None where it can't be.
    effect : float or None
        Score before minus after, on its scale: above 0 the spot held the score up.
    percentile : float or None
        Of control spots with a smaller |effect|, in percent; ties count half.
    controls : tuple of float
        The effects of the control spots that can be replaced so.
    reason : str
        Why it can't be.
    """

    kind: str
    score: float | None = None
    effect: float | None = None
    percentile: float | None = None
    controls: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class SpotAnswer:
    """How a score depends on a spot.

    Parameters
    ----------
    at : tuple of float
        R, A, S of its centre, mm.
    radius_mm, ml : float
        Its radius; the volume of what lies in the body, on the prepared grid.
    score : float
        Of the scan, in the target's unit.
    unit : str
        Of the effects: the target's, or `logit` for a probability.
    replacements : tuple of Replacement
        One a kind.
    control_spots : tuple of (float, float, float)
        R, A, S of the centres of the control spots.
    mirror_r : float or None
        R of the mirror plane, mm.
    sentence : str
        The answer in one sentence.
    """

    at: Point
    radius_mm: float
    ml: float
    score: float
    unit: str
    replacements: tuple[Replacement, ...]
    control_spots: tuple[Point, ...] = ()
    mirror_r: float | None = None
    sentence: str = ""

    def to_facts(self) -> dict[str, Any]:
        """Return plain JSON values: `facts["spot"]` of the record."""
        values = asdict(self)
        values["at"] = list(self.at)
        values["control_spots"] = [list(point) for point in self.control_spots]
        values["replacements"] = [
            {**one, "controls": list(one["controls"])} for one in values["replacements"]
        ]
        return values

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> SpotAnswer:
        """Return the answer of such values."""
        return cls(
            **{
                **facts,
                "at": tuple(facts["at"]),
                "control_spots": tuple(tuple(point) for point in facts["control_spots"]),
                "replacements": tuple(
                    Replacement(**{**one, "controls": tuple(one["controls"])})
                    for one in facts["replacements"]
                ),
            }
        )


def percentile_of(effect: float, controls: tuple[float, ...]) -> float | None:
    """Return the share of controls with a smaller |effect|, in percent; None without controls."""
    if not controls:
        return None
    smaller = sum(abs(other) < abs(effect) for other in controls)
    same = sum(abs(other) == abs(effect) for other in controls)
    return 100.0 * (smaller + same / 2) / len(controls)


def sentence_of(replacements: tuple[Replacement, ...], unit: str) -> str:
    """Return what the replacement that moves the score most says, in one sentence."""
    told = [one for one in replacements if one.effect is not None]
    if not told:
        return "The spot can't be replaced in any way, so nothing is said of it."
    most = max(told, key=lambda one: abs(one.effect or 0.0))
    effect = most.effect or 0.0
    way = "lowers" if effect > 0 else "raises"
    said = (
        f"Replacing the spot by {KINDS[most.kind]} {way} the score by "
        f"{abs(effect):.3g} {unit}".rstrip()
        if effect
        else "Replacing the spot doesn't move the score"
    )
    if most.percentile is None:
        return f"{said}."
    number = len(most.controls)
    said = f"{said}, more than {most.percentile:.0f} % of {number} random spots do"
    if number < LEAST_CONTROLS:
        return f"{said}; that is too few to tell whether the place matters."
    if most.percentile >= TELLING:
        return f"{said}: the place matters."
    return f"{said}: the place is like any other." if most.percentile < USUAL else f"{said}."
