"""What is put into the scan, and beside which finding the reaction is measured."""

from __future__ import annotations

from dataclasses import dataclass

from ..checked import check_limits, take_types
from ..distractors import DISTRACTORS
from ..errors import SettingsError
from ..limits import ABOVE_0, POSITIVE, SEED
from ..models.targets import Target
from ..planting import FINDINGS
from ..suggest import suggest

# Of each finding an amount that nobody should miss, mL; a nodule of 1.5 cm.
USUAL_ML = {"effusion": 100.0, "consolidation": 30.0, "nodule": 1.8, "pneumothorax": 100.0}
# What targets that name no finding are measured beside.
DEFAULT_FINDING = "effusion"


@dataclass(frozen=True)
class StressSettings:
    """How a classifier is stressed.

    Parameters
    ----------
    only : tuple of str
        Of `DISTRACTORS`, in this order.
    draws : int
        Places or strengths of each, and findings to compare with.
    finding : str
        Of `planting.FINDINGS`; empty: the one that the target's name names, or an effusion.
    ml : float or None
        How much of it; None: the usual amount.
    seed : int
        Draws looks and places.
    """

    only: tuple[str, ...] = DISTRACTORS
    draws: int = 3
    finding: str = ""
    ml: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(self, draws=POSITIVE, ml=ABOVE_0, seed=SEED)
        if not self.only:
            raise SettingsError(f"Nothing to try: give some of {', '.join(DISTRACTORS)}.")
        for name in self.only:
            if name not in DISTRACTORS:
                raise SettingsError(
                    f"There is no distractor '{name}'. {suggest(name, DISTRACTORS)}"
                )
        if self.finding and self.finding not in FINDINGS:
            raise SettingsError(
                f"There is no finding '{self.finding}'. {suggest(self.finding, FINDINGS)}"
            )

    def compared_with(self, target: Target) -> tuple[str, float]:
        """Return the finding beside which a target's reactions are measured, and its mL."""
        named = [name for name in FINDINGS if name in target.name.casefold()]
        finding = self.finding or (named[0] if named else DEFAULT_FINDING)
        return finding, USUAL_ML[finding] if self.ml is None else self.ml
