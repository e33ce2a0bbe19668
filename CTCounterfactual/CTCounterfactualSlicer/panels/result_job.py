"""A button that runs a worker on the result that is shown, and a table of what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from CTCounterfactualLib.jobs.outcome import CANCELLED, DONE

from ..result_job import ResultJob
from ..timer import JobTimer
from .panel import Panel


@dataclass(frozen=True)
class Words:
    """What such a panel says.

    Parameters
    ----------
    start, cancel : str
        The button's text.
    running : str
        Until the worker tells its first step.
    refused, cancelled : str
        When it could not be started, and when it was cancelled.
    """

    start: str
    cancel: str
    running: str
    refused: str
    cancelled: str


class ResultJobPanel(Panel):
    """Runs the job and draws what is kept with the result; its kinds name widgets, job and words.

    A kind has `button`, `label` and `table` (widgets), `headers` and `words`, and the methods
    that raise `NotImplementedError` here.
    """

    button: Any
    label: Any
    table: Any
    headers: list[str]
    words: Words

    def setup(self) -> None:
        """Make the table's columns; a kind connects its button to `start_or_cancel`."""
        self._job: ResultJob | None = None
        self._step = ""
        self._drawn: list[dict] | None = None
        self.table.setColumnCount(len(self.headers))
        self.table.setHorizontalHeaderLabels(self.headers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().stretchLastSection = True

    def cleanup(self) -> None:
        """End a running job."""
        self._abandon()

    def refresh(self) -> None:
        """Draw what is kept with the result that is shown."""
        if self._job is not None and self._job.result.mainNode.GetScene() is None:
            self._abandon()  # the result was replaced or deleted
        shown = self.host.shown
        usable = shown is not None and shown.usable
        running = self._job is not None
        has_files = usable and shown.result is not None
        self.button.text = self.words.cancel if running else self.words.start
        self.button.enabled = running or (has_files and not self.host.machine.busy)
        kept = self.kept(shown.nodes.main) if usable else {}
        self._draw(self.rows(kept))
        text = self._step if running else self.summary(kept)
        self.label.text = text
        self.label.visible = bool(text)

    def make_job(self, result, **how) -> ResultJob:
        """Return the job on a result, not started."""
        raise NotImplementedError

    def kept(self, main) -> dict:
        """Return what is kept on a main node; empty if nothing is."""
        raise NotImplementedError

    def rows(self, kept: dict) -> list[dict]:
        """Return one dict for each row of the table."""
        raise NotImplementedError

    def draw_row(self, row: int, one: dict) -> None:
        """Fill a row of the table."""
        raise NotImplementedError

    def summary(self, kept: dict) -> str:
        """Return what stands under the table; empty for nothing."""
        raise NotImplementedError

    def _draw(self, rows: list[dict]) -> None:
        self.table.visible = bool(rows)
        if rows == self._drawn:
            return
        self._drawn = rows
        self.table.setRowCount(len(rows))
        for row, one in enumerate(rows):
            self.draw_row(row, one)
        self.table.resizeColumnsToContents()
        self.table.resizeRowsToContents()

    def start_or_cancel(self) -> None:
        """Start the job on the result that is shown, or cancel the one that runs."""
        if self._job is not None:
            self._job.cancel()
            return
        self.host.messages.clear()
        with self.host.messages.guard(self.words.refused):
            if not self.host.maintenance.ensure_packages():
                return
            self._step = self.words.running
            self._job = self.make_job(
                self.host.shown.result, onEvent=self._on_event, onFinished=self._on_finished
            )
            self._job.start()
            if self._job is not None and not self._job.finished:  # it may have ended already
                JobTimer(self._job).start()
        self.refresh()

    def _on_event(self, event) -> None:
        self._step = f"{event.fraction:.0%} {event.message}"
        self.refresh()

    def _on_finished(self, job) -> None:
        self._job = None
        outcome, messages = job.outcome, self.host.messages
        if outcome.kind == CANCELLED:
            messages.show_note(self.words.cancelled)
        elif outcome.kind != DONE:
            messages.show_error(outcome.message, outcome.advice, outcome.details)
        self.refresh()

    def _abandon(self) -> None:
        if self._job is not None:
            self._job.abandon()
            self._job = None
