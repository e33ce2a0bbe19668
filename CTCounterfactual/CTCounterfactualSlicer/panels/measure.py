"""The button "Measure": how good the result that is shown is, in numbers with their meaning."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from CTCounterfactualLib.jobs.outcome import CANCELLED, DONE
from CTCounterfactualLib.methods.facts import in_words
from CTCounterfactualLib.outputs.numbers import amount

from ..measure_job import MeasureJob, measures_of
from ..timer import JobTimer
from .panel import Panel
from .result_table import NUMBER_ALIGNMENT


class MeasurePanel(Panel):
    """Measures in the worker; what came of it is kept with the result in the scene."""

    def setup(self) -> None:
        """Make the table's columns and connect the button."""
        self._job: MeasureJob | None = None
        self._step = ""
        self._drawn: list[dict] | None = None
        table = self.ui.measureTable
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Measure"), _("Value"), _("What it is")])
        table.verticalHeader().hide()
        table.horizontalHeader().stretchLastSection = True
        self.ui.measureButton.connect("clicked()", self._measure_or_cancel)

    def cleanup(self) -> None:
        """End what is being measured."""
        self._abandon()

    def refresh(self) -> None:
        """Draw the measures of the result that is shown."""
        if self._job is not None and self._job.result.mainNode.GetScene() is None:
            self._abandon()  # the result was replaced or deleted
        shown = self.host.shown
        usable = shown is not None and shown.usable
        running = self._job is not None
        has_files = usable and shown.result is not None
        self.ui.measureButton.text = _("Cancel the measuring") if running else _("Measure")
        self.ui.measureButton.enabled = running or (has_files and not self.host.machine.busy)
        found = measures_of(shown.nodes.main) if usable else {}
        self._draw(found.get("measures", []))
        text = self._step if running else _lacking(found)
        self.ui.measureLabel.text = text
        self.ui.measureLabel.visible = bool(text)

    def _draw(self, measures: list[dict]) -> None:
        table = self.ui.measureTable
        table.visible = bool(measures)
        if measures == self._drawn:
            return
        self._drawn = measures
        table.setRowCount(len(measures))
        for row, one in enumerate(measures):
            cells = (_name(one["name"]), _value(one), one["meaning"])
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(_tip(one))
                if column == 1:
                    item.setData(qt.Qt.TextAlignmentRole, NUMBER_ALIGNMENT)
                table.setItem(row, column, item)
        table.resizeColumnsToContents()
        table.resizeRowsToContents()

    def _measure_or_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            return
        self.host.messages.clear()
        with self.host.messages.guard(_("The result could not be measured")):
            if not self.host.maintenance.ensure_packages():
                return
            self._step = _("Measuring the result...")
            self._job = MeasureJob(
                self.host.shown.result, onEvent=self._on_event, onFinished=self._on_finished
            )
            self._job.start()
            if self._job is not None:  # it may have ended already
                JobTimer(self._job).start()
        self.refresh()

    def _on_event(self, event) -> None:
        self._step = f"{event.fraction:.0%} {event.message}"
        self.refresh()

    def _on_finished(self, job) -> None:
        self._job = None
        outcome, messages = job.outcome, self.host.messages
        if outcome.kind == CANCELLED:
            messages.show_note(_("The measuring was cancelled."))
        elif outcome.kind != DONE:
            messages.show_error(outcome.message, outcome.advice, outcome.details)
        self.refresh()

    def _abandon(self) -> None:
        if self._job is not None:
            self._job.abandon()
            self._job = None


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
