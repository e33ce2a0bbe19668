"""Section "Compare": views side by side, heatmaps, the change in 3D and played along lambda."""

from __future__ import annotations

import json
from dataclasses import replace

import qt
import slicer
import vtk
from slicer.i18n import tr as _

from CTCounterfactualLib.scene.look import compare, layouts
from CTCounterfactualLib.scene.look.jump import jump_to_change
from CTCounterfactualLib.scene.look.windows import SameWindow
from CTCounterfactualLib.scene.make.provenance import get_attribute
from CTCounterfactualLib.scene.make.sequences import add_animation, memory_mb
from CTCounterfactualLib.scene.make.surfaces import add_surfaces

from . import texts
from .choice_box import ChoiceBox
from .panel import Panel

COMPARISONS = (layouts.COMPARE, layouts.COMPARE_MORE)
# Longer than Qt takes to lay out new views, shorter than anyone notices.
LAYOUT_SETTLES_MS = 100


class ComparePanel(Panel):
    """Switches layouts and overlays; Slicer's own widgets step through the animation."""

    def setup(self) -> None:
        """Connect the controls; add Slicer's slider and player of sequences."""
        self._orientation = ChoiceBox(self.ui.orientationComboBox, self._turn)
        self._orientation.fill(
            [
                ("Axial", _("Axial"), ""),
                ("Coronal", _("Coronal"), ""),
                ("Sagittal", _("Sagittal"), ""),
            ],
            "Axial",
        )
        self._chosen_orientation = "Axial"
        self._browser = None
        self._window: SameWindow | None = None
        self._windowed = None  # the counterfactual whose window is shared
        self._former: int | None = None  # the layout before the comparison
        self._drawing = False
        self._seek = slicer.qMRMLSequenceBrowserSeekWidget()
        self._play = slicer.qMRMLSequenceBrowserPlayWidget()
        self._seek.toolTip = _("Step from the scan to the counterfactual.")
        self._play.toolTip = _("Play the change from the scan to the counterfactual.")
        for widget in (self._seek, self._play):
            widget.setMRMLScene(slicer.mrmlScene)
            self.ui.animationWidget.layout().addWidget(widget)
        self.ui.compareButton.connect("clicked()", self._compare)
        self.ui.compareMoreButton.connect("clicked()", self._compare_more)
        self.ui.compareBackButton.connect("clicked()", self._go_back)
        self.ui.heatmapCheckBox.connect("toggled(bool)", self._toggle_heatmap)
        self.ui.heatmapOpacitySlider.connect("valueChanged(double)", self._set_opacity)
        self.ui.surfacesCheckBox.connect("toggled(bool)", self._toggle_surfaces)
        self.ui.animationButton.connect("clicked()", self._prepare_animation)

    def cleanup(self) -> None:
        """Let go of the sequence."""
        self._follow(None)
        self._release_window()

    def refresh(self) -> None:
        """Enable what the result that is shown has; follow its animation."""
        shown = self.host.shown
        usable = shown is not None and shown.usable
        nodes = shown.nodes if usable else None
        if nodes is None or nodes.counterfactual is not self._windowed:
            self._release_window()
        explanation = shown.result.explanation if usable and shown.result else None
        for widget in (
            self.ui.compareButton,
            self.ui.compareMoreButton,
            self.ui.orientationComboBox,
            self.ui.heatmapCheckBox,
            self.ui.heatmapOpacitySlider,
        ):
            widget.enabled = usable
        if current_layout() not in COMPARISONS:
            self._former = None  # left by Slicer's own layout menu, or the scene was closed
        self.ui.compareBackButton.enabled = self._former is not None
        surfaces = () if nodes is None else nodes.surfaces
        self.ui.surfacesCheckBox.enabled = bool(surfaces) or explanation is not None
        self._check(
            self.ui.surfacesCheckBox,
            any(
                model.GetDisplayNode() and model.GetDisplayNode().GetVisibility()
                for model in surfaces
            ),
        )
        animation = None if nodes is None else nodes.animation
        playable = explanation is not None and bool(explanation.frames)
        self.ui.animationButton.enabled = playable and animation is None
        self.ui.animationWidget.visible = animation is not None
        self._follow(None if animation is None else animation.browser)
        text = self._animation_text(usable, explanation, animation)
        self.ui.animationLabel.text = text
        self.ui.animationLabel.visible = bool(text)

    def show_heatmap(self, heatmap) -> None:
        """Lay a heatmap over the views, with the opacity that is set."""
        compare.show_chunk_heatmap(slicer.mrmlScene, heatmap)
        compare.set_heatmap_opacity(slicer.mrmlScene, self.ui.heatmapOpacitySlider.value)
        self._check(self.ui.heatmapCheckBox, True)

    def _animation_text(self, usable: bool, explanation, animation) -> str:
        if animation is not None:
            return self._frame_text(animation)
        if explanation is None:
            return _("To play the change, run the explanation in this session.") if usable else ""
        if not explanation.frames:
            return _("Nothing to play: set Animation volumes (Settings, Advanced) above 0.")
        return _("Takes about {size} of memory.").format(
            size=texts.megabytes(memory_mb(explanation))
        )

    def _frame_text(self, animation) -> str:
        """Return the score of the volume that the sequence is at."""
        number = animation.browser.GetSelectedItemNumber()
        scores = json.loads(get_attribute(animation.sequence, "stepScores") or "[]")
        if not 0 <= number < len(scores):
            return ""
        return _("Score: {score}").format(score=texts.score(scores[number], self.host.shown.unit))

    def _compare(self) -> None:
        self._show_comparison(more=False)

    def _compare_more(self) -> None:
        self._show_comparison(more=True)

    def _show_comparison(self, more: bool) -> None:
        with self.host.messages.guard(_("The comparison could not be shown")):
            before = compare.show_comparison(
                slicer.mrmlScene,
                slicer.app.applicationLogic(),
                self.host.shown.nodes,
                self._chosen_orientation,
                more,
            )
            if before not in COMPARISONS:
                self._former = before
            # Every heatmap left the views: there the change in HU lies over the scan.
            self._check(self.ui.heatmapCheckBox, False)
            compare.set_change_opacity(slicer.mrmlScene, self.ui.heatmapOpacitySlider.value)
            self._share_window()
            # The views get their sizes when the window has laid them out, after this click.
            qt.QTimer.singleShot(LAYOUT_SETTLES_MS, self._fit)
            if more:
                slicer.util.resetThreeDViews()
        self.refresh()

    def _fit(self) -> None:
        """Fit the scan into the views of the comparison, at the largest change."""
        shown = self.host.shown
        if shown is None or not shown.usable:
            return
        if current_layout() not in COMPARISONS:
            return
        with self.host.messages.guard(_("The views could not be fitted")):
            scene = slicer.mrmlScene
            compare.set_orientation(scene, slicer.app.applicationLogic(), self._chosen_orientation)
            jump_to_change(scene, shown.nodes.heatmap)

    def _go_back(self) -> None:
        """Show the layout that was there before the comparison."""
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if layout is not None and self._former is not None:
            layout.SetViewArrangement(self._former)
        self._release_window()
        self.refresh()

    def _share_window(self) -> None:
        """Keep scan, counterfactual and animation in one window, whichever of them is adjusted."""
        self._release_window()
        nodes = self.host.shown.nodes
        played = () if nodes.animation is None else (nodes.animation.proxy,)
        self._window = SameWindow((nodes.scan, nodes.counterfactual, *played))
        self._windowed = nodes.counterfactual

    def _release_window(self) -> None:
        if self._window is not None:
            self._window.release()
        self._window = self._windowed = None

    def _turn(self, orientation: str) -> None:
        self._chosen_orientation = orientation
        with self.host.messages.guard(_("The views could not be turned")):
            compare.set_orientation(slicer.mrmlScene, slicer.app.applicationLogic(), orientation)

    def _toggle_heatmap(self, visible: bool) -> None:
        if self._drawing:
            return
        with self.host.messages.guard(_("The heatmap could not be shown")):
            heatmap = self.host.results.selected_heatmap() or self.host.shown.nodes.heatmap
            compare.set_heatmap_visible(slicer.mrmlScene, heatmap, visible)
            self._set_opacity(self.ui.heatmapOpacitySlider.value)

    def _set_opacity(self, opacity: float) -> None:
        """Set the opacity of what lies over the scan: the heatmap, else the change in HU."""
        if self.ui.heatmapCheckBox.checked:
            compare.set_heatmap_opacity(slicer.mrmlScene, opacity)
        else:
            compare.set_change_opacity(slicer.mrmlScene, opacity)

    def _toggle_surfaces(self, visible: bool) -> None:
        if self._drawing:
            return
        with self.host.messages.guard(_("The surfaces could not be made")):
            shown = self.host.shown
            if visible and not shown.nodes.surfaces:
                self._add(add_surfaces)
                slicer.util.resetThreeDViews()
            for model in self.host.shown.nodes.surfaces:
                model.GetDisplayNode().SetVisibility(visible)
        self.refresh()

    def _prepare_animation(self) -> None:
        with self.host.messages.guard(_("The animation could not be made")):
            self._add(add_animation)
            if current_layout() not in COMPARISONS:
                self._show_comparison(more=False)
            compare.show_animation(slicer.mrmlScene, self.host.shown.nodes, True)
            self._share_window()
        self.refresh()

    def _add(self, add) -> None:
        """Add nodes to the set that is shown by `add(scene, explanation, nodes)`."""
        shown = self.host.shown
        with slicer.util.WaitCursor():
            nodes = add(slicer.mrmlScene, shown.result.explanation, shown.nodes)
        self.host.results.extend(replace(shown.result, nodes=nodes))

    def _follow(self, browser) -> None:
        """Let the slider and the player drive a sequence browser, or none."""
        if browser is self._browser:
            return
        if self._browser is not None:
            self.host.removeObserver(
                self._browser, vtk.vtkCommand.ModifiedEvent, self._browser_moved
            )
        self._browser = browser
        for widget in (self._seek, self._play):
            widget.setMRMLSequenceBrowserNode(browser)
        if browser is not None:
            self.host.addObserver(browser, vtk.vtkCommand.ModifiedEvent, self._browser_moved)

    def _browser_moved(self, caller, event) -> None:
        shown = self.host.shown
        if shown is not None and shown.usable and shown.nodes.animation is not None:
            self.ui.animationLabel.text = self._frame_text(shown.nodes.animation)

    def _check(self, box, checked: bool) -> None:
        """Set a check box without acting as if the user had."""
        self._drawing = True
        try:
            box.checked = checked
        finally:
            self._drawing = False


def current_layout() -> int:
    """Return the number of the layout that is shown; 0 where there is none."""
    layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    return 0 if layout is None else layout.GetViewArrangement()
