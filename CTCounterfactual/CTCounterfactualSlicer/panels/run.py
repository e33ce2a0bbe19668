"""Apply and Cancel, progress with times, and the log."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.events import WORKING, Event
from CTCounterfactualLib.methods.registry import find_method
from CTCounterfactualLib.models.entry import READY
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.time_left import TimeLeft, duration
from CTCounterfactualLib.wording import Place

from ..listed_targets import find_listed
from ..own_models import CONSENT_NEEDED, NO_GRADIENT
from ..state import State
from .panel import Panel
from .parameters import keywords_of
from .shown import Shown

TICK_MS = 500
PROGRESS_STEPS = 100


class RunPanel(Panel):
    """Starts and cancels jobs; what the button means follows from the state."""

    def setup(self) -> None:
        """Connect the buttons; a timer moves the clock between events."""
        self._time = TimeLeft()
        self._live: Shown | None = None  # what was shown when the job began
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self._show_times)
        self.ui.applyButton.connect("clicked()", self._apply_or_cancel)
        self.ui.copyLogButton.connect("clicked()", self._copy_log)

    def cleanup(self) -> None:
        """Stop the clock."""
        self._timer.stop()

    def refresh(self) -> None:
        """Draw the button and show the progress while something goes on."""
        state = self.host.machine.state
        text, tip, enabled = self._button(state)
        button = self.ui.applyButton
        button.text, button.toolTip, button.enabled = text, tip, enabled
        self.ui.progressWidget.visible = state.busy

    def _button(self, state: State) -> tuple[str, str, bool]:
        """Return text, tool tip and whether the button can be clicked."""
        if state is State.RUNNING:
            return _("Cancel"), _("Stop the computation; nothing of it is kept."), True
        if state is State.CANCELLING:
            return _("Cancelling..."), _("The computation is being stopped."), False
        if state is State.INSTALLING:
            return _("Installing..."), _("Python packages are being installed."), False
        parameters = self.host.parameterNode
        if parameters is None or parameters.inputVolume is None:
            return _("Apply"), _("Select a CT scan first."), False
        return _("Apply"), _("Explain the score of the selected volume."), True

    def _apply_or_cancel(self) -> None:
        if self.host.machine.state is State.RUNNING:
            if self.host.job is not None:
                self.host.job.cancel()
        elif not self.host.machine.busy:
            self.apply()

    def apply(self) -> None:
        """Start a run with what is chosen; the caller has looked that none goes on."""
        messages, parameters = self.host.messages, self.host.parameterNode
        messages.clear()
        with messages.guard(_("The computation could not be started")):
            keywords = keywords_of(parameters)
            method = find_method(keywords["method"])
            models = [keywords["classifier"]]
            if method.searches:
                models.append(keywords["autoencoder"])
            fine = (READY,) if method.needs.gradient else (READY, NO_GRADIENT)
            keywords["runOn"] = self.host.run_on.chosen
            if not keywords["runOn"]:  # else both are that computer's matter
                if not self.host.models.ensure_ready(models, fine):
                    return
                if not self.host.maintenance.ensure_packages():
                    return
            self._begin(keywords)
            job = self.host.logic.start(
                parameters.inputVolume,
                machine=self.host.machine,
                onEvent=self._on_event,
                onLog=self._log,
                onFinished=self._on_finished,
                place=Place.PANEL,
                **keywords,
            )
            self.host.job = None if job.finished else job
        if not self.host.machine.busy and self.host.shown is self._live:
            self._end()  # it wasn't even started

    def _begin(self, keywords: dict) -> None:
        self._time = TimeLeft()
        self.ui.logText.clear()
        self.ui.progressBar.value = 0
        self.ui.stepLabel.text = _("Starting")
        self._show_times()
        self._timer.start()
        target = self._target(keywords)
        self._live = Shown(
            target=target.label,
            unit=target.unit,
            direction=keywords["direction"],
            method=keywords["method"],
        )
        self.host.show(self._live)

    def _target(self, keywords: dict) -> Target:
        """Return the target as the catalogue lists it; without a unit if it isn't listed."""
        wanted = keywords["target"]
        for entry in self.host.models.entries:
            if entry.kind == "classifier" and entry.name == keywords["classifier"]:
                found = find_listed(entry.targets, wanted)
                if found is not None:
                    return found
        return Target(wanted or "")

    def _on_event(self, event: Event) -> None:
        """Follow the worker; called in this thread."""
        self._time.tell(event.fraction)
        self.ui.progressBar.value = round(PROGRESS_STEPS * event.fraction)
        self.ui.stepLabel.text = event.message
        if event.step != WORKING:
            self._log(str(event))
        self._show_times()
        job = self.host.job
        if job is not None and self.host.shown is not None:
            heatmaps = () if job.live is None else tuple(job.live.heatmaps)
            self.host.show(self.host.shown.with_event(event, heatmaps))

    def _on_finished(self, job) -> None:
        """Show the result, or say why there is none; called once per job."""
        outcome = job.outcome
        if job.result is not None:
            self._stop()
            self.host.results.add(job.result)
            return
        self._end()
        if outcome.error == CONSENT_NEEDED:
            if self.host.models.consent(outcome.data):
                self.apply()
        elif outcome.kind == "failed":
            self.host.messages.show_error(outcome.message, outcome.advice, outcome.details)
        else:
            self.host.messages.show_note(outcome.message)

    def _stop(self) -> None:
        self._timer.stop()
        self.host.job = None
        self._live = None

    def _end(self) -> None:
        """Show what the scene holds: a run that failed or was cancelled leaves nothing."""
        self._stop()
        self.host.show(None)
        self.host.results.find_results()

    def _log(self, line: str) -> None:
        self.ui.logText.appendPlainText(line.rstrip())

    def _copy_log(self) -> None:
        slicer.app.clipboard().setText(self.ui.logText.plainText)

    def _show_times(self) -> None:
        text = _("{time} elapsed").format(time=duration(self._time.elapsed))
        left = self._time.seconds
        if left is not None:
            text += ", " + _("about {time} left").format(time=duration(left))
        self.ui.timeLabel.text = text
