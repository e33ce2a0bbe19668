"""What a method knows beside its map, in words: single facts, and what it lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ML = "ml"
# Facts that are in the unit of the score, beside those that begin with "score".
IN_SCORES = ("boundary", "reduction")


def single(facts: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Return the facts that are one number or text."""
    return {
        key: value
        for key, value in facts.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    }


def listed(facts: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the first fact that is a list of records: explanations, structures; () without any."""
    for value in facts.values():
        if (
            isinstance(value, (list, tuple))
            and value
            and all(isinstance(row, Mapping) for row in value)
        ):
            return value
    return ()


def in_words(key: str) -> str:
    """Return the name of a fact for people: "score_without" -> "score without"."""
    return key.removesuffix(f"_{ML}").replace("_", " ") if key != ML else "volume"


def unit_of(key: str, score_unit: str) -> str:
    """Return the unit of a fact by its name."""
    if key == ML or key.endswith(f"_{ML}"):
        return "mL"
    return score_unit if key in IN_SCORES or key.startswith("score") else ""


def cell(value: Any) -> str:
    """Return a value as a table's text."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(cell(one) for one in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
