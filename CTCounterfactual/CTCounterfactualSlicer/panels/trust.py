""" "Can I trust this?": tests of the result that is shown, a row each: pass, warn or fail."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from CTCounterfactualLib.jobs.outcome import CANCELLED, DONE

from ..timer import JobTimer
from ..trust_job import TrustJob, verdicts_of
from .panel import Panel


class TrustPanel(Panel):
    """Runs the tests in the worker; what they said is kept with the result in the scene."""

    def setup(self) -> None:
        """Make the table's columns and connect the button."""
        self._job: TrustJob | None = None
        self._step = ""
        self._drawn: list[dict] | None = None
        table = self.ui.trustTable
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Test"), _("Verdict"), _("What it means")])
        table.verticalHeader().hide()
        table.horizontalHeader().stretchLastSection = True
        self.ui.trustButton.connect("clicked()", self._test_or_cancel)

    def cleanup(self) -> None:
        """End a running test."""
        self._abandon()

    def refresh(self) -> None:
        """Draw the verdicts of the result that is shown."""
        if self._job is not None and self._job.result.mainNode.GetScene() is None:
            self._abandon()  # the result was replaced or deleted
        shown = self.host.shown
        usable = shown is not None and shown.usable
        running = self._job is not None
        has_files = usable and shown.result is not None
        self.ui.trustButton.text = _("Cancel the tests") if running else _("Can I trust this?")
        self.ui.trustButton.enabled = running or (has_files and not self.host.machine.busy)
        said = verdicts_of(shown.nodes.main) if usable else {}
        self._draw(said.get("tests", []))
        text = self._step if running else _summary(said)
        self.ui.trustLabel.text = text
        self.ui.trustLabel.visible = bool(text)

    def _draw(self, tests: list[dict]) -> None:
        table = self.ui.trustTable
        table.visible = bool(tests)
        if tests == self._drawn:
            return
        self._drawn = tests
        table.setRowCount(len(tests))
        for row, test in enumerate(tests):
            cells = (test["test"], _verdict(test["status"]), test["sentence"])
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(_measured(test) or text)
                table.setItem(row, column, item)
        table.resizeColumnsToContents()
        table.resizeRowsToContents()

    def _test_or_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            return
        self.host.messages.clear()
        with self.host.messages.guard(_("The tests could not be started")):
            if not self.host.maintenance.ensure_packages():
                return
            self._step = _("Testing the explanation...")
            self._job = TrustJob(
                self.host.shown.result, onEvent=self._on_event, onFinished=self._on_finished
            )
            self._job.start()
            if self._job is not None and not self._job.finished:
                JobTimer(self._job).start()
        self.refresh()

    def _on_event(self, event) -> None:
        self._step = f"{event.fraction:.0%} {event.message}"
        self.refresh()

    def _on_finished(self, job) -> None:
        self._job = None
        outcome, messages = job.outcome, self.host.messages
        if outcome.kind == CANCELLED:
            messages.show_note(_("The tests were cancelled."))
        elif outcome.kind != DONE:
            messages.show_error(outcome.message, outcome.advice, outcome.details)
        self.refresh()

    def _abandon(self) -> None:
        if self._job is not None:
            self._job.abandon()
            self._job = None


def _verdict(status: str) -> str:
    words = {"pass": _("pass"), "warn": _("warn"), "fail": _("FAIL"), "not run": _("not run")}
    return words.get(status, status)


def _measured(test: dict) -> str:
    """Return the number of a test with its limits, for a tool tip; empty if it has none."""
    number, limits = test.get("number"), test.get("limits")
    if number is None or not limits:
        return ""
    return _("{measure}: {number:.3g} (passes at {passes:g}, fails beyond {fails:g})").format(
        measure=test["measure"], number=number, passes=limits["passes"], fails=limits["fails"]
    )


def _summary(said: dict) -> str:
    if not said:
        return ""
    counts = [
        (status, sum(test["status"] == status for test in said["tests"]))
        for status in ("fail", "warn", "pass", "not run")
    ]
    told = ", ".join(f"{count} {_verdict(status)}" for status, count in counts if count)
    return _("Tests: {verdicts}.").format(verdicts=told)
