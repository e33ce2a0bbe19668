"""Section "Models": what there is, fetching it, and models of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.jobs.outcome import CANCELLED, DONE, WorkerOutcome
from CTCounterfactualLib.models.entry import READY, CatalogueEntry
from CTCounterfactualLib.models.store.manage import is_here, remove_files
from CTCounterfactualLib.storage.sizes import BYTES_PER_MB

from .. import model_files, own_models
from ..timer import JobTimer
from . import model_texts, texts
from .model_table import ModelTable
from .panel import Panel

PROGRESS_STEPS = 100
UNTOLD = 0  # maximum of a progress bar that only shows that something goes on


class ModelsPanel(Panel):
    """One thing at a time: `job` is what fetches, checks or opens now; buttons follow from it."""

    def setup(self) -> None:
        """List the models and connect the buttons."""
        self.entries: tuple[CatalogueEntry, ...] = self.host.logic.listModels()
        self.job: model_files.WorkerJob | model_files.FileJob | None = None
        self._cancelling = False
        self._folder = Path.home()
        self._table = ModelTable(self.ui, self._draw_buttons)
        self.ui.modelFetchButton.connect("clicked()", self._fetch_or_cancel)
        self.ui.modelLocalButton.connect("clicked()", self._adopt)
        self.ui.modelVerifyButton.connect("clicked()", self._verify)
        self.ui.modelRemoveButton.connect("clicked()", self._remove)
        self.ui.modelAddButton.connect("clicked()", self._add_own)

    def enter(self) -> None:
        """Look again: the command line may have fetched or removed something."""
        self.look()

    def cleanup(self) -> None:
        """End what runs; what has arrived of a download is kept."""
        if self.job is not None:
            self.job.abandon()
            self.job = None

    def look(self) -> None:
        """List the models again; all sections that show them are drawn anew."""
        with self.host.messages.guard(_("The models could not be listed")):
            self.entries = self.host.logic.listModels()
        self.host.refresh()

    def find(self, name: str) -> CatalogueEntry | None:
        """Return the model of a name, or None."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def refresh(self) -> None:
        """Draw the table if it changed, and what can be done with the selected model."""
        self._table.show(self.entries)
        self._draw_buttons()

    def _draw_buttons(self) -> None:
        entry, job = self._table.selected, self.job
        idle = job is None
        own = entry is not None and own_models.is_own(entry)
        files = () if entry is None else entry.files
        fetchable = bool(files)
        missing = entry is not None and fetchable and entry.status != READY
        fetch = self.ui.modelFetchButton
        if job is None:
            fetch.text, fetch.enabled = _("Fetch"), missing
        else:
            fetch.text, fetch.enabled = _("Cancel"), not self._cancelling and job.cancellable
        self.ui.modelLocalButton.enabled = idle and missing
        self.ui.modelVerifyButton.enabled = idle and (own or (fetchable and not missing))
        self.ui.modelRemoveButton.enabled = idle and (
            own or (fetchable and is_here(model_files.model_cache(), files))
        )
        self.ui.modelAddButton.enabled = idle
        self.ui.modelProgressWidget.visible = not idle
        self.ui.modelDetailsLabel.text = model_texts.details(entry) if entry is not None else ""

    def ensure_ready(self, names: Sequence[str], fine: Sequence[str] = (READY,)) -> bool:
        """Return whether models have a status that is fine; if not, say what to do, offer it."""
        self.look()
        messages = self.host.messages
        entries = [entry for entry in map(self.find, names) if entry is not None]
        waiting = [entry for entry in entries if entry.status not in fine]
        for name in names:
            if self.find(name) is None and not Path(name).is_file():  # else a card, by its path
                messages.show_error(
                    _("There is no model {name} here.").format(name=name),
                    _("Choose another, or add its card: Models > Add own model."),
                )
                return False
        if not waiting:
            return True
        for entry in waiting:
            if not entry.files:
                messages.show_error(
                    f"{model_texts.title(entry)}: {entry.status}.",
                    _("Choose another model, or see Models: Verify loads an own model again."),
                )
                return False
        titles = ", ".join(map(model_texts.title, waiting))
        if self.job is not None:
            messages.show_note(
                _("A model is being fetched or loaded; click Apply when that is done.")
            )
        elif slicer.util.confirmOkCancelDisplay(
            model_texts.fetch_question(waiting), windowTitle=_("CT Counterfactual: models")
        ):
            self.fetch(waiting, accepted=True)
        else:
            messages.show_note(
                _(
                    '{models}: fetch it under Models, or give its files there by "Use a local '
                    'file...". Then click Apply.'
                ).format(models=titles)
            )
        return False

    def fetch(self, entries: Sequence[CatalogueEntry], accepted: bool = False) -> None:
        """Download models after asking for packages and licences; returns at once."""
        if not self.host.maintenance.ensure_packages(fetching=True):
            return
        if accepted or self._licences_accepted(entries):
            self.ui.modelsCollapsibleButton.collapsed = False  # the progress is there
            self._run(
                model_files.FetchJob(
                    [entry.name for entry in entries],
                    licence_accepted=True,
                    onEvent=self._on_event,
                    onFinished=self._on_finished,
                ),
                _("Starting"),
                PROGRESS_STEPS,
            )

    def open_card(self, card: Path) -> None:
        """Let the worker load an own model, and add it to the lists if that works."""
        if self.host.maintenance.ensure_packages():
            text = _("Loading {name}").format(name=card.name)
            self._run(model_files.OpenJob(card, onFinished=self._on_opened), text, UNTOLD)

    def consent(self, wanted: dict) -> bool:
        """Ask whether an own model's code may run; a yes is remembered for exactly its bytes."""
        with self.host.messages.guard(_("Consent could not be remembered")):
            if own_models.consent(wanted, _ask_for_code):
                return True
            self.host.messages.show_note(
                _("{name} was not run, as you didn't agree to it.").format(name=wanted["name"])
            )
        return False

    def _run(self, job, text: str, steps: int) -> None:
        """Start a job and follow it by a timer; it tells when it has ended."""
        self.host.messages.clear()
        self.job, self._cancelling = job, False
        self.ui.modelStepLabel.text = text
        self.ui.modelProgressBar.maximum = steps
        self.ui.modelProgressBar.value = 0
        job.start()
        if not job.finished:
            JobTimer(job).start()
        self.refresh()

    def _on_event(self, event) -> None:
        self.ui.modelProgressBar.value = round(PROGRESS_STEPS * event.fraction)
        self.ui.modelStepLabel.text = event.message

    def _on_finished(self, job) -> None:
        """Say how a job ended; called once per job."""
        self.job = None
        outcome, messages = job.outcome, self.host.messages
        if outcome.kind == DONE:
            messages.show_note(self._success(job, outcome))
        elif outcome.kind == CANCELLED:
            messages.show_note(outcome.message)
        else:
            messages.show_error(outcome.message, outcome.advice, outcome.details)
        self.look()

    def _success(self, job, outcome: WorkerOutcome) -> str:
        if isinstance(job, model_files.FetchJob):
            return _("Ready: {models}.").format(models=", ".join(job.names))
        if isinstance(job, model_files.OpenJob):
            name = outcome.data["name"]
            return _("{name} works and is in the lists now.").format(name=name)
        return outcome.message

    def _on_opened(self, job) -> None:
        """Add the model that the worker loaded, or ask what it couldn't know."""
        outcome = job.outcome
        if outcome.error == own_models.CONSENT_NEEDED:
            self.job = None
            self.refresh()
            if self.consent(outcome.data):
                self.open_card(job.card)
            return
        if outcome.kind == DONE:
            own_models.remember(job.card, outcome.data)
        self._on_finished(job)

    def _fetch_or_cancel(self) -> None:
        if self.job is not None:
            self._cancelling = True
            self.job.cancel()
            self.refresh()
        elif self._table.selected is not None:
            self.fetch([self._table.selected])

    def _licences_accepted(self, entries: Sequence[CatalogueEntry]) -> bool:
        question = model_texts.licence_question(entries)
        if not question or slicer.util.confirmOkCancelDisplay(
            question, windowTitle=_("CT Counterfactual: licence")
        ):
            return True
        self.host.messages.show_note(_("Nothing was fetched: the terms were not accepted."))
        return False

    def _adopt(self) -> None:
        entry = self._table.selected
        if entry is None:
            return
        local: dict[str, Path] = {}
        cache = model_files.model_cache()
        for file in entry.files:
            if cache.has(file):
                continue
            path = self._ask_file(_("Local copy of {name}").format(name=file.name), "")
            if path is None:
                break
            local[file.name] = path
        if local and self._licences_accepted([entry]):
            text = _("Copying and checking {name}").format(name=model_texts.title(entry))
            self._work(lambda: model_files.adopt(entry, local), text)

    def _verify(self) -> None:
        entry = self._table.selected
        if entry is None:
            return
        if own_models.is_own(entry):
            self.open_card(Path(entry.name))
        else:
            text = _("Checking {name}").format(name=model_texts.title(entry))
            self._work(lambda: model_files.verify(entry), text)

    def _work(self, work: Callable[[], str], text: str) -> None:
        self._run(model_files.FileJob(work, onFinished=self._on_finished), text, UNTOLD)

    def _remove(self) -> None:
        entry = self._table.selected
        if entry is None:
            return
        own, name = own_models.is_own(entry), model_texts.title(entry)
        question = (
            _("Take {name} out of the lists? Its files stay where they are.").format(name=name)
            if own
            else model_texts.remove_question(entry, self.entries)
        )
        if not slicer.util.confirmYesNoDisplay(question):
            return
        with self.host.messages.guard(_("The files could not be removed")):
            if own:
                own_models.forget(entry.name)
            else:
                freed = remove_files(model_files.model_cache(), entry.files)
                size = texts.megabytes(freed / BYTES_PER_MB)
                self.host.messages.show_note(_("{size} freed.").format(size=size))
        self.look()

    def _add_own(self) -> None:
        path = self._ask_file(_("Card of an own model"), _("Model card (*.json *.toml)"))
        if path is not None:
            self.open_card(path)

    def _ask_file(self, heading: str, filters: str) -> Path | None:
        path = qt.QFileDialog.getOpenFileName(
            slicer.util.mainWindow(), heading, str(self._folder), filters
        )
        if not path:
            return None
        self._folder = Path(path).parent
        return Path(path)


def _ask_for_code(question: str) -> bool:
    return slicer.util.confirmYesNoDisplay(
        "{question}\n\n{run}".format(question=question, run=_("Do you trust it, and run it?")),
        windowTitle=_("CT Counterfactual: code of a model"),
    )
