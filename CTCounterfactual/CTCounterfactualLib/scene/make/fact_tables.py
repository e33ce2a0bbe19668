"""What a method knows beside its map, as tables: its numbers, and what it lists."""

from __future__ import annotations

from typing import Any

from ...methods.attribution import Attribution
from ...methods.facts import cell, in_words, listed, single, unit_of
from .tables import Column, add_table


def add_numbers(scene, attribution: Attribution, name: str):
    """Add a table of the scan's score and of all single facts, one row each."""
    unit = attribution.target.unit
    rows = [(f"score of {attribution.target.name}", cell(attribution.score), unit)]
    for key, value in single(attribution.facts).items():
        rows.append((in_words(key), cell(value), unit_of(key, attribution.facts, unit)))
    return add_table(
        scene,
        name,
        [
            Column("fact", [fact for fact, _, _ in rows]),
            Column("value", [value for _, value, _ in rows]),
            Column("unit", [unit for _, _, unit in rows]),
        ],
    )


def add_list(scene, attribution: Attribution, name: str):
    """Add a table of what a method lists (see `listed`); None where it lists nothing."""
    rows = listed(attribution.facts, attribution.method.name)
    if not rows:
        return None
    unit = attribution.target.unit
    return add_table(
        scene,
        name,
        [
            Column(
                in_words(key),
                _values([row.get(key) for row in rows]),
                unit_of(key, attribution.facts, unit),
            )
            for key in rows[0]
        ],
    )


def _values(values: list[Any]) -> list[Any]:
    """Return numbers as they are, anything else as text: a column has one kind."""
    if all(type(value) in (int, float) for value in values):
        whole = all(type(value) is int for value in values)
        return values if whole else [float(value) for value in values]
    return [cell(value) for value in values]
