"""What a method knows beside its map, in words: single facts, a sentence, and what it lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .registry import NAMES, find_method

ML = "ml"
PERCENT = 100.0
# What a key says that isn't plain, and the units of keys by their ends.
WORDS = {ML: "volume", "alone": "gain alone"}
UNITS = {"ml": "mL", "hu": "HU", "share": "%"}
# Facts that are in the unit of the score, beside those that begin with "score".
IN_SCORES = ("boundary", "reduction")
# How far a score moves: in the unit that the method states (`unit`), of a probability its logit.
GAINS = ("alone", "effect", "shapley")


def single(facts: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Return the facts that are one number or text, those within a named group of facts too."""
    found: dict[str, str | int | float] = {}
    for key, value in facts.items():
        if isinstance(value, Mapping):
            found |= single(value)
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            found[key] = value
    return found


def sentence(facts: Mapping[str, Any]) -> str:
    """Return the answer in one sentence, where a method gives one."""
    return str(single(facts).get("sentence", ""))


def listed(facts: Mapping[str, Any], method: str = "") -> tuple[dict[str, Any], ...]:
    """Return the first fact that is a list of records: explanations, structures; () without any.

    Parameters
    ----------
    method : str
        Whose `columns` are kept, in their order. A share is in percent then, as tables show it.
    """
    columns = find_method(method).columns if method in NAMES else ()
    for value in facts.values():
        if isinstance(value, Mapping) and (inner := listed(value, method)):
            return inner
        is_list = isinstance(value, (list, tuple)) and bool(value)
        if is_list and all(isinstance(row, Mapping) for row in value):
            return tuple(_columns_of(row, columns) for row in value)
    return ()


def _columns_of(row: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    kept = {key: row[key] for key in columns if key in row} or dict(row)
    return {
        key: PERCENT * value if _end(key) == "share" and isinstance(value, (int, float)) else value
        for key, value in kept.items()
    }


def in_words(key: str) -> str:
    """Return the name of a fact for people: "score_without" -> "score without"."""
    if key in WORDS:
        return WORDS[key]
    plain = key.removesuffix(f"_{_end(key)}") if _end(key) in ("ml", "hu") else key
    return plain.replace("_", " ")


def unit_of(key: str, facts: Mapping[str, Any], score_unit: str) -> str:
    """Return the unit of a fact by its name."""
    if _end(key) in UNITS:
        return UNITS[_end(key)]
    if key in GAINS:
        return str(single(facts).get("unit", score_unit))
    return score_unit if key in IN_SCORES or key.startswith("score") else ""


def cell(value: Any) -> str:
    """Return a value as a table's text."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(cell(one) for one in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _end(key: str) -> str:
    return key.rpartition("_")[2]
