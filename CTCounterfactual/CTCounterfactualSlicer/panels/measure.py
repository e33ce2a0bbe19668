"""The button "Measure": how good the result that is shown is, in numbers with their meaning."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from CTCounterfactualLib.methods.facts import in_words
from CTCounterfactualLib.outputs.numbers import amount

from ..measure_job import MeasureJob, measures_of
from .result_job import ResultJobPanel, Words
from .result_table import NUMBER_ALIGNMENT


class MeasurePanel(ResultJobPanel):
    """Measures in the worker; what came of it is kept with the result in the scene."""

    def setup(self) -> None:
        """Name the widgets and words, and connect the button."""
        self.button, self.label = self.ui.measureButton, self.ui.measureLabel
        self.table = self.ui.measureTable
        self.headers = [_("Measure"), _("Value"), _("What it is")]
        self.words = Words(
            start=_("Measure"),
            cancel=_("Cancel the measuring"),
            running=_("Measuring the result..."),
            refused=_("The result could not be measured"),
            cancelled=_("The measuring was cancelled."),
        )
        super().setup()
        self.ui.measureButton.connect("clicked()", self.start_or_cancel)

    def make_job(self, result, **how) -> MeasureJob:
        """Return the job that measures."""
        return MeasureJob(result, **how)

    def kept(self, main) -> dict:
        """Return the measures that are kept."""
        return measures_of(main)

    def rows(self, kept: dict) -> list[dict]:
        """Return the measures."""
        return kept.get("measures", [])

    def draw_row(self, row: int, one: dict) -> None:
        """Fill a row with name, value and meaning."""
        cells = (_name(one["name"]), _value(one), one["meaning"])
        for column, text in enumerate(cells):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(_tip(one))
            if column == 1:
                item.setData(qt.Qt.TextAlignmentRole, NUMBER_ALIGNMENT)
            self.table.setItem(row, column, item)

    def summary(self, kept: dict) -> str:
        """Return what couldn't be measured, and why."""
        return _lacking(kept)


def _name(name: str) -> str:
    """Return a metric's name for people: "changed_ml" -> "Changed ml"."""
    return in_words(name).capitalize()


def _value(one: dict[str, Any]) -> str:
    if one["yes_no"]:
        return _("yes") if one["value"] else _("no")
    return f"{amount(one['value'], 3)} {one['unit']}".rstrip()


def _tip(one: dict[str, Any]) -> str:
    better = {"lower": _("Lower is better."), "higher": _("Higher is better.")}
    meaning = f"{one['meaning'][:1].upper()}{one['meaning'][1:]}."
    return " ".join(filter(None, (meaning, better.get(one["better"], ""))))


def _lacking(found: dict[str, Any]) -> str:
    """Return what couldn't be measured, and why."""
    absent = found.get("absent", {})
    if not absent:
        return ""
    told = "; ".join(f"{group}: {why.rstrip('.')}" for group, why in absent.items())
    return _("Not measured: {reasons}.").format(reasons=told)
