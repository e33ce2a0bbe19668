"""What is found of structures: the facts of a result's record, and the sentence on top of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# What is none of the structures that were looked at; its label.
ELSEWHERE, ELSEWHERE_LABEL = "everything else", 0


@dataclass(frozen=True)
class StructureRow:
    """One structure; numbers that weren't asked for are None.

    Parameters
    ----------
    label : int
        Its voxel value in the label map; 0 is everything else in the body.
    name : str
        For people.
    ml : float
        Its volume on the prepared grid.
    first_order_share : float
        Its share of the sum over structures of |sum of gradient x change|: 0..1. By this the
        structures that matter are chosen.
    searched : bool
        Whether it is one of those, so that it has the numbers below.
    alone : float or None
        How far the score moves the wanted way by a counterfactual search in it alone.
    alone_share : float or None
        The same as a share of what all of the scan together does. These don't sum to 1.
    stop_reason : str
        Why that search ended.
    changed_ml, mean_change_hu : float or None
        Of that search: what changed by more than CT noise, and the mean signed change there.
    shapley : float or None
        Its Shapley value: how far the score moves by replacing it with its part of the
        counterfactual, averaged over all orders in which structures are replaced. These sum to the
        whole gain.
    low, high : float or None
        Its 95 % confidence interval; equal to `shapley` where all sets were scored.
    share : float or None
        `shapley` as a share of the whole gain.
    """

    label: int
    name: str
    ml: float
    first_order_share: float
    searched: bool = False
    alone: float | None = None
    alone_share: float | None = None
    stop_reason: str = ""
    changed_ml: float | None = None
    mean_change_hu: float | None = None
    shapley: float | None = None
    low: float | None = None
    high: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Interaction:
    """What two structures do together beyond what each does: their Shapley interaction index.

    Above 0 they need each other; below 0 one does what the other does. `low` and `high` are its
    95 % confidence interval, None where it wasn't sampled often enough for one.
    """

    first: str
    second: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class StructureTable:
    """All structures, those that matter first.

    Parameters
    ----------
    unit : str
        Of all gains: the target's, or `logit` for a probability.
    score, score_replaced : float
        Of the scan, and with every structure (and everything else) replaced; in the target's unit.
    gain : float
        How far the one moved from the other the wanted way, in `unit`.
    exact : bool
        Whether all sets of structures were scored; else the Shapley values are sampled.
    scored : int
        Sets that were scored.
    rows : tuple of StructureRow
        By share, largest first, then those that weren't searched.
    interactions : tuple of Interaction
        Of pairs, largest first.
    sentence : str
        The result in one sentence.
    left_out : tuple of str
        Structures of the label map of which the prepared scan shows no voxel.
    overlapping_ml : float
        What belongs to several segments and was given to the first of them.
    """

    unit: str
    score: float
    score_replaced: float
    gain: float
    exact: bool
    scored: int
    rows: tuple[StructureRow, ...]
    interactions: tuple[Interaction, ...] = ()
    sentence: str = ""
    left_out: tuple[str, ...] = field(default=())
    overlapping_ml: float = 0.0

    def to_facts(self) -> dict[str, Any]:
        """Return plain JSON values: `facts["structures"]` of the record."""
        values = asdict(self)
        for name in ("rows", "interactions", "left_out"):
            values[name] = list(values[name])
        return values

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> StructureTable:
        """Return the table of such values."""
        return cls(
            **{
                **facts,
                "rows": tuple(StructureRow(**row) for row in facts["rows"]),
                "interactions": tuple(Interaction(**pair) for pair in facts["interactions"]),
                "left_out": tuple(facts["left_out"]),
            }
        )


def sentence_of(rows: tuple[StructureRow, ...], gain: float, exact: bool) -> str:
    """Return which structure carries most of the score, in one sentence."""
    valued = [row for row in rows if row.share is not None and row.shapley is not None]
    if not valued or gain <= 0:
        return "No structure carries the score: replacing all of them doesn't move it as wanted."
    first = max(valued, key=lambda row: row.share or 0.0)
    name = first.name if first.label == ELSEWHERE_LABEL else f"the {first.name}"
    name = name[0].upper() + name[1:]
    interval = ""
    if not exact and first.low is not None and first.high is not None:
        interval = f" ({first.low / gain:.0%} to {first.high / gain:.0%})"
    return f"{name} carries {first.share:.0%} of the score{interval}."
