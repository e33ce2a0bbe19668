"""How much of a changed scan became what no body holds there: the numbers, in mL."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Plausibility:
    """How many mL of a changed scan became what; how each is measured says `plausibility`.

    Parameters
    ----------
    wall_to_air : float
        Bone, or tissue between ribs and skin, that became as thin as lung.
    brightened : float
        Became brighter than soft tissue is, where no bone was.
    denser_tissue : float
        Soft tissue (or fluid) that became denser still.
    haze : float
        Lung that became denser than the lung around it, away from its border.
    changed, plainly : float
        Changed visibly; so that no reader misses it.
    moved, strongly : float
        Of what was tissue: changed visibly; changed by as much as tissue and lung differ.
    raised, lowered : float
        Became denser to tissue; became less dense from tissue. A finding that comes or goes moves
        one way.
    thinned, emptied : float
        Soft tissue that became less dense, and what of it became lung or air.
    outside : float
        Changed although it isn't the body.
    """

    wall_to_air: float = 0.0
    brightened: float = 0.0
    denser_tissue: float = 0.0
    haze: float = 0.0
    changed: float = 0.0
    plainly: float = 0.0
    moved: float = 0.0
    strongly: float = 0.0
    raised: float = 0.0
    lowered: float = 0.0
    thinned: float = 0.0
    emptied: float = 0.0
    outside: float = 0.0

    def __add__(self, other: Plausibility) -> Plausibility:
        return Plausibility(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self))
        )
