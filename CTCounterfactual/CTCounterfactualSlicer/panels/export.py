"""Section "Export": where to and what; the files are written by `exports`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.wording import Place

from .. import exports
from .panel import Panel
from .texts import breakable

# What no file system minds in a name.
_UNSAFE = re.compile(r"[^\w.-]+")


class ExportPanel(Panel):
    """Asks for a file name and says where the file lies."""

    def setup(self) -> None:
        """Connect the buttons."""
        self._last: Path | None = None
        self._folder = Path.home()
        self.ui.exportFolderButton.connect("clicked()", self._export_folder)
        self.ui.exportReportButton.connect("clicked()", self._export_report)
        self.ui.exportFigureButton.connect("clicked()", self._export_figure)
        self.ui.exportAnimationButton.connect("clicked()", self._export_animation)
        self.ui.exportScreenshotButton.connect("clicked()", self._export_screenshot)
        self.ui.exportDicomButton.connect("clicked()", self._export_dicom)
        self.ui.exportShowButton.connect("clicked()", self._open_last)
        self.ui.loadFolderButton.connect("clicked()", self._load_folder)

    def forget(self) -> None:
        """Say no more of what was written: the scene that it was of is closed."""
        self._last = None

    def refresh(self) -> None:
        """Enable what the result that is shown can give."""
        shown = self.host.shown
        result = shown.result if shown is not None and shown.usable else None
        for button in (
            self.ui.exportFolderButton,
            self.ui.exportReportButton,
            self.ui.exportFigureButton,
            self.ui.exportDicomButton,
        ):
            button.enabled = result is not None
        explanation = None if result is None else shown.explanation
        self.ui.exportAnimationButton.enabled = bool(explanation and explanation.frames)
        self.ui.exportScreenshotButton.enabled = shown is not None and shown.usable
        self.ui.exportShowButton.enabled = self._last is not None
        self.ui.loadFolderButton.enabled = not self.host.machine.busy
        self.ui.exportLabel.visible = self._last is not None or (
            self.ui.exportScreenshotButton.enabled and result is None
        )
        if shown is not None and shown.usable and result is None:
            self.ui.exportLabel.text = _(
                "This result came with the scene. To export files, run the explanation again; the "
                "scene itself is saved by File > Save Data."
            )
        elif self._last is not None:
            written = _("Written: {path}").format(path=self._last)
            self.ui.exportLabel.text = breakable(written)

    def _load_folder(self) -> None:
        """Add a result folder to the scene, on the volume that is chosen if there is one."""
        path = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Result folder to load"), str(self._folder)
        )
        if not path:
            return
        self.host.messages.clear()
        parameters = self.host.parameterNode
        volume = None if parameters is None else parameters.inputVolume
        failed = _("The result could not be loaded")
        with self.host.messages.guard(failed), slicer.util.WaitCursor():
            self.host.logic.load(path, volume, place=Place.PANEL)  # and is shown, as all results

    def _export_folder(self) -> None:
        path = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(),
            _("Folder in which to put the result folder"),
            str(self._folder),
        )
        if not path:
            return
        out = Path(path) / f"{self._stem()}-{self._kind()}"
        force = out.exists()
        if force and not self._may_replace(out):
            return
        self._write(out, lambda result, to: exports.export_folder(result, to, force))

    def _export_dicom(self) -> None:
        path = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(),
            _("Folder in which to put the folder of DICOM files"),
            str(self._folder),
        )
        if not path:
            return
        out = Path(path) / f"{self._stem()}-{self._kind()}-dicom"
        force = out.exists()
        if force and not self._may_replace(out):
            return
        logic = self.host.logic
        self._write(
            out,
            lambda result, to: logic.exportDicom(result, to, force=force, place=Place.PANEL),
        )

    def _export_report(self) -> None:
        self._ask("-report.html", _("Report (*.html)"), exports.export_report)

    def _export_figure(self) -> None:
        self._ask("-figure.png", _("Picture (*.png)"), exports.export_figure)

    def _export_animation(self) -> None:
        filters = _("GIF animation (*.gif)") + ";;" + _("MP4 film (*.mp4)")
        self._ask("-animation.gif", filters, exports.export_animation)

    def _export_screenshot(self) -> None:
        self._ask(
            "-views.png",
            _("Picture (*.png)"),
            lambda result, path, force: exports.export_views(path, force=force),
        )

    def _ask(self, ending: str, filters: str, export: Callable) -> None:
        """Ask for a file, and export to it."""
        path = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(),
            _("Export"),
            str(self._folder / (self._stem() + ending)),
            filters,
        )
        if not path:
            return
        # Not every system's dialog adds the ending to a name that was typed without.
        typed = Path(path)
        out = typed if typed.suffix else typed.with_suffix(Path(ending).suffix)
        # The dialog has asked whether to replace what was typed, but only that.
        if out == typed or not out.exists() or self._may_replace(out):
            self._write(out, lambda result, to: export(result, to, force=True))

    @staticmethod
    def _may_replace(out: Path) -> bool:
        return slicer.util.confirmYesNoDisplay(
            _("{name} exists already. Replace it?").format(name=out.name)
        )

    def _write(self, path: Path, export: Callable) -> None:
        self.host.messages.clear()
        with self.host.messages.guard(_("The export failed")), slicer.util.WaitCursor():
            self._last = Path(export(self.host.shown.result, path))
            self._folder = path.parent
        self.refresh()

    def _open_last(self) -> None:
        if self._last is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._last.parent)))

    def _kind(self) -> str:
        """Return what a result folder is called for."""
        shown = self.host.shown
        return shown.method if shown.is_map else "counterfactual"

    def _stem(self) -> str:
        """Return the scan's name as a file name."""
        return _UNSAFE.sub("_", self.host.shown.nodes.scan.GetName()).strip("_") or "scan"
