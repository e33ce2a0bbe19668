"""Where to run: on this computer, or on a host that the user's own ssh reaches."""

from __future__ import annotations

import shlex

import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.errors import CTCounterfactualError
from CTCounterfactualLib.jobs.outcome import CANCELLED, DONE
from CTCounterfactualLib.remote.hosts import (
    DEFAULT_COMMAND,
    Host,
    add_host,
    read_hosts,
    remove_host,
)

from ..model_files import WorkerJob
from ..python_slicer import python_executable
from ..timer import JobTimer
from .panel import Panel


class RunOnPanel(Panel):
    """The choice isn't saved with scenes: one that comes from elsewhere sends no scan anywhere."""

    def setup(self) -> None:
        """Connect the buttons; the list is read when the module is opened."""
        self._job: WorkerJob | None = None
        self.ui.runOnForm.visible = False
        self.ui.hostCommandEdit.placeholderText = shlex.join(DEFAULT_COMMAND)
        self.ui.runOnComboBox.connect("currentIndexChanged(int)", lambda _index: self.refresh())
        self.ui.runOnTestButton.connect("clicked()", self._test_or_cancel)
        self.ui.runOnAddButton.connect("clicked()", self._toggle_form)
        self.ui.runOnRemoveButton.connect("clicked()", self._remove)
        self.ui.hostSaveButton.connect("clicked()", self._save)
        self._fill("")

    @property
    def chosen(self) -> str:
        """Name of the host to run on; empty for this computer."""
        return self.ui.runOnComboBox.currentData or ""

    def enter(self) -> None:
        """Read the list again: the command line may have changed it."""
        self._fill(self.chosen)

    def refresh(self) -> None:
        """Draw what can be done with the choice."""
        elsewhere, idle = bool(self.chosen), not self.host.machine.busy
        testing = self._job is not None
        self.ui.runOnComboBox.enabled = idle and not testing
        self.ui.runOnTestButton.enabled = testing or (elsewhere and idle)
        self.ui.runOnTestButton.text = _("Cancel") if testing else _("Test")
        self.ui.runOnRemoveButton.enabled = elsewhere and idle and not testing

    def cleanup(self) -> None:
        """End a test that goes on."""
        if self._job is not None:
            self._job.abandon()
            self._job = None

    def _fill(self, wanted: str) -> None:
        """List this computer and the hosts; choose one if it is there."""
        box = self.ui.runOnComboBox
        try:
            names = list(read_hosts())
            box.toolTip = _("Where to compute: on this computer, or on one that your ssh reaches.")
        except CTCounterfactualError as error:  # said where it matters, and no reason to stop
            names = []
            box.toolTip = str(error)
        blocked = box.blockSignals(True)
        box.clear()
        box.addItem(_("This computer"), "")
        for name in names:
            box.addItem(name, name)
        box.currentIndex = max(0, box.findData(wanted))
        box.blockSignals(blocked)
        self.refresh()

    def _toggle_form(self) -> None:
        self.ui.runOnForm.visible = not self.ui.runOnForm.visible

    def _save(self) -> None:
        messages, ui = self.host.messages, self.ui
        messages.clear()
        with messages.guard(_("The host could not be added")):
            try:
                command = tuple(shlex.split(ui.hostCommandEdit.text)) or DEFAULT_COMMAND
            except ValueError as error:
                messages.show_error(_("The command has an open quotation mark."), str(error))
                return
            destination = ui.hostDestinationEdit.text.strip()
            host = Host(
                ui.hostNameEdit.text.strip() or destination,
                destination,
                command,
                ui.hostFolderEdit.text.strip() or None,
            )
            replace = host.name in read_hosts()
            question = _("There is a host {name} already. Replace it?").format(name=host.name)
            if replace and not slicer.util.confirmOkCancelDisplay(question):
                return
            add_host(host, replace)
            for edit in (ui.hostNameEdit, ui.hostDestinationEdit, ui.hostCommandEdit,
                         ui.hostFolderEdit):  # fmt: skip
                edit.text = ""
            ui.runOnForm.visible = False
            self._fill(host.name)

    def _remove(self) -> None:
        name = self.chosen
        question = _("Take {name} out of the list of hosts? Nothing is done there.")
        if slicer.util.confirmOkCancelDisplay(question.format(name=name)):
            with self.host.messages.guard(_("The host could not be removed")):
                remove_host(name)
            self._fill("")

    def _test_or_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            return
        messages, name = self.host.messages, self.chosen
        messages.clear()
        with messages.guard(_("The connection could not be tested")):
            self._job = WorkerJob(
                ("hosts", "test", name), False, None, self._tested, python_executable()
            )
            messages.show_note(_("Connecting to {name} ...").format(name=name))
            self._job.start()
            if self._job is not None and not self._job.finished:
                JobTimer(self._job).start()
        self.refresh()

    def _tested(self, job) -> None:
        self._job = None
        outcome, messages = job.outcome, self.host.messages
        if outcome is None or outcome.kind == CANCELLED:
            messages.show_note(_("The test was cancelled."))
        elif outcome.kind == DONE:
            rows = "; ".join(f"{what}: {much}" for what, much in outcome.data["rows"])
            messages.show_note(_("{name} is ready. {rows}").format(name=self.chosen, rows=rows))
        else:
            messages.show_error(outcome.message, outcome.advice, outcome.details)
        self.refresh()
