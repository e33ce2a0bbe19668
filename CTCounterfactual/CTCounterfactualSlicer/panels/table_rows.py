"""What the table of the results shows: searches of a counterfactual, or what a method lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from CTCounterfactualLib.counterfactual.scale import scale_unit
from CTCounterfactualLib.methods.facts import cell, in_words, unit_of

from . import texts

if TYPE_CHECKING:
    from .shown import Shown


@dataclass(frozen=True)
class Cell:
    """A text, and whether it is a number, which stands to the right."""

    text: str
    numeric: bool = False


def headers(shown: Shown) -> list[str]:
    """Return the headers; units are said here and not in each row."""
    if shown.listing:
        gains = {"unit": shown.gain_unit}
        return [_in_header(key, unit_of(key, gains, shown.unit)) for key in shown.listing[0]]
    unit = shown.unit
    after = _("After ({unit})").format(unit=unit) if unit else _("After")
    gained = texts.gain_header(shown.direction, scale_unit(unit))
    return [_("Slices"), gained, after, _("Position (mm)"), _("Ended by")]


def rows(shown: Shown) -> list[tuple[Cell, ...]]:
    """Return the rows; the numbers of a column have the same digits behind the point."""
    if shown.listing:
        columns = [
            _listed([record.get(key) for record in shown.listing]) for key in shown.listing[0]
        ]
        return list(zip(*columns, strict=True))
    after = texts.column([row.score_after for row in shown.rows])
    gains = texts.column([row.gain_on_scale(shown.unit) for row in shown.rows])
    return [
        (
            # As the log, the tables and the names of the heatmaps say it.
            Cell(f"{row.start}-{row.stop}"),
            Cell(texts.with_share(gained, row.gain, row.score_before, shown.unit), True),
            Cell(score, True),
            Cell(_("{low:.0f} to {high:.0f}").format(low=row.low, high=row.high), True),
            Cell(row.stop_reason),
        )
        for row, score, gained in zip(shown.rows, after, gains, strict=True)
    ]


def _in_header(key: str, unit: str) -> str:
    name = in_words(key).capitalize()
    return f"{name} ({unit})" if unit else name


def _listed(values: Sequence[Any]) -> list[Cell]:
    """Return a column of a method's records: numbers alike, anything else as its text."""
    numbers = [value for value in values if value is not None]
    if not numbers or not all(type(value) in (int, float) for value in numbers):
        return [Cell(cell(value)) for value in values]
    whole = all(type(value) is int for value in numbers)
    said = iter([str(value) for value in numbers] if whole else texts.column(numbers))
    return [Cell("" if value is None else next(said), True) for value in values]
