"""What the table of the results shows: searches of a counterfactual, or what a method lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from CTCounterfactualLib.counterfactual.scale import scale_unit
from CTCounterfactualLib.counterfactual.search import stopping
from CTCounterfactualLib.methods.facts import cell, in_words, unit_of

from . import texts

if TYPE_CHECKING:
    from .shown import Shown


SHORT_UNIT = 3  # letters
# Why a search ended, as a radiologist would say it. Files and records keep the short names.
REASONS = {
    stopping.TARGET_REACHED: _("goal reached"),
    stopping.DECISION_CHANGED: _("the decision changed"),
    stopping.NOTHING_TO_FLIP: _("the decision was so already"),
    stopping.NO_FURTHER_DECREASE: _("the score falls no further"),
    stopping.NO_FURTHER_INCREASE: _("the score rises no further"),
    stopping.CHANGE_LIMIT: _("as much change as allowed"),
    stopping.NO_GRADIENT: _("the classifier doesn't react here"),
    stopping.EVALUATION_LIMIT: _("as many tries as allowed"),
    stopping.STEP_LIMIT: _("as far as the whole scan went"),
    stopping.OUTSIDE_REGION: _("outside the region"),
    stopping.BY_HAND: _("chosen by hand"),
}


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
    after = _("After ({unit})").format(unit=unit) if _is_short(unit) else _("After")
    scale = scale_unit(unit)
    gained = texts.gain_header(shown.direction, scale if _is_short(scale) else "")
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
            Cell(REASONS.get(row.stop_reason, row.stop_reason)),
        )
        for row, score, gained in zip(shown.rows, after, gains, strict=True)
    ]


def _is_short(unit: str) -> bool:
    """Whether a unit fits into a narrow column's header; longer ones stand with the scores."""
    return 0 < len(unit) <= SHORT_UNIT


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
