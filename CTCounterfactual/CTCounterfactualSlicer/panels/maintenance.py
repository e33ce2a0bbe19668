"""Section "Setup": Python packages, caches, and a sample scan."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from .. import caches, installation, packages
from ..state import State
from . import texts
from .panel import Panel


class MaintenancePanel(Panel):
    """Installs only after asking; what is missing is looked up by name, nothing is imported."""

    def setup(self) -> None:
        """Connect the buttons; look at packages and disk only when the module is opened."""
        self._missing: tuple = ()
        self._looked = False
        self.ui.installButton.connect("clicked()", self.ensure_packages)
        self.ui.clearCacheButton.connect("clicked()", self._clear_caches)
        self.ui.sampleDataButton.connect("clicked()", self._add_sample)

    def enter(self) -> None:
        """Look at packages and caches again."""
        self._look()

    def refresh(self) -> None:
        """Draw what was found when last looked."""
        idle = not self.host.machine.busy
        if self._looked:
            self.ui.packagesLabel.text = self._packages_text()
        self.ui.installButton.enabled = idle and bool(self._missing)
        self.ui.clearCacheButton.enabled = idle
        self.ui.sampleDataButton.enabled = idle

    def ensure_packages(self, fetching: bool = False) -> bool:
        """Ask for and install what is missing, for computing or fetching; False if it still is."""
        self._look()
        missing = packages.missing_packages(fetching=True) if fetching else self._missing
        if not missing:
            return True
        question = packages.describe(missing)
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
        from ..sample_data import add_generated_chest

        with self.host.messages.guard(_("The chest could not be made")):
            with slicer.util.WaitCursor():
                node = add_generated_chest(slicer.mrmlScene)
            slicer.util.setSliceViewerLayers(background=node, fit=True)
            if self.host.parameterNode is not None:
                self.host.parameterNode.inputVolume = node
