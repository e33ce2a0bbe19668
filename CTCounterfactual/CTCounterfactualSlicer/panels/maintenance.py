"""Section "Setup": Python packages, caches, and a sample scan."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.jobs.outcome import CANCELLED

from .. import caches, installation, packages
from ..chest_job import ChestJob
from ..sample_data import NODE_NAME
from ..state import State
from ..timer import JobTimer
from . import texts
from .panel import Panel


class MaintenancePanel(Panel):
    """Installs only after asking; what is missing is looked up by name, nothing is imported."""

    def setup(self) -> None:
        """Connect the buttons; look at packages and disk only when the module is opened."""
        self._missing: tuple = ()
        self._looked = False
        self._chest: ChestJob | None = None
        self.ui.installButton.connect("clicked()", self.ensure_packages)
        self.ui.clearCacheButton.connect("clicked()", self._clear_caches)
        self.ui.sampleDataButton.connect("clicked()", self._add_sample)

    def enter(self) -> None:
        """Look at packages and caches again."""
        self._look()

    def cleanup(self) -> None:
        """End what is being generated."""
        if self._chest is not None:
            self._chest.abandon()
            self._chest = None

    def refresh(self) -> None:
        """Draw what was found when last looked."""
        idle = not self.host.machine.busy
        if self._looked:
            self.ui.packagesLabel.text = self._packages_text()
        self.ui.installButton.enabled = idle and bool(self._missing)
        self.ui.clearCacheButton.enabled = idle
        making = self._chest is not None
        self.ui.sampleDataButton.enabled = idle
        self.ui.sampleDataButton.text = _("Cancel") if making else _("Sample chest")
        self.ui.sampleDataLabel.text = (
            _("A chest CT is being generated...")
            if making
            else _("No scan at hand? A chest CT can be generated.")
        )

    def ensure_packages(self, fetching: bool = False) -> bool:
        """Ask for and install what is missing, for computing or fetching; False if it still is."""
        self._look()
        missing = packages.missing_packages(fetching=True) if fetching else self._missing
        return not missing or self.install_now(missing, "")

    def install_now(self, missing: tuple, why: str) -> bool:
        """Ask for and install packages; False if they are still missing.

        Parameters
        ----------
        why : str
            What they are for, before the list; empty: what the list itself says.
        """
        question = packages.describe(missing, why)
        if not slicer.util.confirmOkCancelDisplay(
            question, windowTitle=_("CT Counterfactual: Python packages")
        ):
            self.host.messages.show_note(str(installation.Declined()))
            return False
        self.host.machine.to(State.INSTALLING)
        self.host.messages.clear()
        slicer.app.processEvents()  # draw the state before pip blocks
        try:
            with self.host.messages.guard(_("The installation failed")), slicer.util.WaitCursor():
                installation.install(missing)
        finally:
            self.host.machine.to(State.IDLE)
            self._look()
        return all(package.installed for package in missing)

    def _look(self) -> None:
        self._missing = packages.missing_packages()
        self._looked = True
        self.ui.cacheLabel.text = _("Temporary files: {size}").format(
            size=texts.megabytes(caches.cache_size_mb())
        )
        self.refresh()

    def _packages_text(self) -> str:
        if not self._missing:
            return _("All Python packages are installed.")
        names = ", ".join(package.name for package in self._missing)
        return _("Missing Python packages: {names}").format(names=names)

    def _clear_caches(self) -> None:
        with self.host.messages.guard(_("The caches could not be cleared")):
            kept = (*self.host.results.workplaces(), *self.host.session.workplaces())
            freed = caches.clear_caches(kept)
            self.host.messages.show_note(_("{size} freed.").format(size=texts.megabytes(freed)))
        self._look()

    def _add_sample(self) -> None:
        """Make the chest in the worker; a second click ends it."""
        if self._chest is not None:
            self._chest.cancel()
            return
        self.host.messages.clear()
        with self.host.messages.guard(_("The chest could not be made")):
            self._chest = ChestJob(slicer.mrmlScene, NODE_NAME, onFinished=self._sample_is_there)
            self._chest.start()
            if self._chest is not None:
                JobTimer(self._chest).start()
        self.refresh()

    def _sample_is_there(self, job) -> None:
        self._chest = None
        if job.node is not None:
            slicer.util.setSliceViewerLayers(background=job.node, fit=True)
            if self.host.parameterNode is not None:
                self.host.parameterNode.inputVolume = job.node
        elif job.outcome.kind != CANCELLED:
            self.host.messages.show_error(
                job.outcome.message, job.outcome.advice, job.outcome.details
            )
        self.refresh()
