"""Section "Compare": one result or several side by side, heatmaps, the change in 3D."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import qt
import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.scene.look import compare, layouts
from CTCounterfactualLib.scene.look.jump import jump_to_change
from CTCounterfactualLib.scene.look.stage import LABELS, Look, composites, is_ours, stage
from CTCounterfactualLib.scene.look.windows import SameWindow
from CTCounterfactualLib.scene.make.earlier import result_nodes
from CTCounterfactualLib.scene.make.nodes import SceneNodes
from CTCounterfactualLib.scene.make.surfaces import add_surfaces

from .choice_box import ChoiceBox
from .panel import Panel

# Longer than Qt takes to lay out new views, shorter than anyone notices.
LAYOUT_SETTLES_MS = 100


class ComparePanel(Panel):
    """Switches layouts and overlays."""

    def setup(self) -> None:
        """Connect the controls."""
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
        self._window: SameWindow | None = None
        self._windowed = None  # the counterfactual whose window is shared
        self._former: int | None = None  # the layout before the comparison
        self._drawing = False
        self._heatmap = None  # of a chunk; None: of the whole result
        self._played = False
        self.ui.compareButton.connect("clicked()", self._compare)
        self.ui.compareMoreButton.connect("clicked()", self._compare_more)
        self.ui.compareResultsButton.connect("clicked()", self._compare_results)
        self.ui.compareBackButton.connect("clicked()", self._go_back)
        self.ui.heatmapCheckBox.connect("toggled(bool)", self._toggle_heatmap)
        self.ui.heatmapOpacitySlider.connect("valueChanged(double)", self._set_opacity)
        self.ui.surfacesCheckBox.connect("toggled(bool)", self._toggle_surfaces)

    def cleanup(self) -> None:
        """Let go of the volumes."""
        self._release_window()

    def refresh(self) -> None:
        """Enable what the result that is shown has."""
        shown = self.host.shown
        usable = shown is not None and shown.usable
        nodes = shown.nodes if usable else None
        if nodes is None or nodes.main is not self._windowed:
            self._release_window()
        explanation = shown.explanation if usable else None
        of_counterfactual = nodes if isinstance(nodes, SceneNodes) else None
        for widget in (
            self.ui.compareButton,
            self.ui.compareMoreButton,
            self.ui.orientationComboBox,
            self.ui.heatmapCheckBox,
            self.ui.heatmapOpacitySlider,
        ):
            widget.enabled = usable
        comparing = layouts.is_comparison(current_layout())
        if not comparing:
            self._former = None  # left by Slicer's own layout menu, or the scene was closed
        self.ui.compareBackButton.enabled = comparing
        several = nodes is not None and len(self.host.results.mains_of(nodes.scan)) > 1
        self.ui.compareResultsButton.enabled = several
        surfaces = () if of_counterfactual is None else of_counterfactual.surfaces
        self.ui.surfacesCheckBox.enabled = bool(surfaces) or explanation is not None
        self._check(
            self.ui.surfacesCheckBox,
            any(
                model.GetDisplayNode() and model.GetDisplayNode().GetVisibility()
                for model in surfaces
            ),
        )

    def show_result(self) -> None:
        """Show a result that has just come: in the comparison if that is on, else its heatmap."""
        layout = current_layout()
        if layout in (layouts.COMPARE, layouts.COMPARE_MORE):
            self.show_comparison(more=layout == layouts.COMPARE_MORE)
        elif layouts.is_comparison(layout):
            self._compare_results()
        else:
            self.show_heatmap(None)

    def show_heatmap(self, heatmap) -> None:
        """Lay a heatmap over the views; None is that of the whole result."""
        self._heatmap, self._played = heatmap, False
        self._check(self.ui.heatmapCheckBox, True)
        self.stage()

    def follow_scene(self) -> None:
        """Show a scene that was loaded as it was saved, with the legends of what it shows."""
        scene = slicer.mrmlScene
        labels = [scene.GetNodeByID(each.GetLabelVolumeID() or "") for each in composites(scene)]
        ours = [node for node in labels if is_ours(node, LABELS)]
        self._heatmap = next(iter(ours), None)
        self._check(self.ui.heatmapCheckBox, bool(ours))
        self.stage()
        self.refresh()

    def play(self) -> None:
        """Let the counterfactual's view play the change."""
        if not layouts.is_comparison(current_layout()):
            self.show_comparison(more=False)
        self._played = True
        self.stage()
        self.share_window()

    def stage(self) -> None:
        """Let the views show what is chosen: after every click, and when results come or go."""
        look = self._look()
        if look is not None:
            with self.host.messages.guard(_("The views could not be changed")):
                stage(slicer.mrmlScene, slicer.app.applicationLogic(), look)

    def _look(self) -> Look | None:
        """Return what is to be seen; None if there is nothing to show."""
        shown, job = self.host.shown, self.host.job
        opacity = self.ui.heatmapOpacitySlider.value
        heatmap = self._heatmap
        if heatmap is not None and heatmap.GetScene() is None:
            heatmap = None
        visible = self.ui.heatmapCheckBox.checked
        if shown is None or not shown.usable:
            if job is None:
                return None
            return Look(job.volumeNode, heatmap=heatmap if visible else None, opacity=opacity)
        if heatmap not in shown.nodes.labels:  # of a result that was shown before
            heatmap = shown.nodes.heatmap
        return Look(
            shown.nodes.scan,
            shown.nodes,
            heatmap if visible else None,
            self._results_of_scan(),
            opacity,
            self._played,
        )

    def _compare(self) -> None:
        self.show_comparison(more=False)

    def _compare_more(self) -> None:
        self.show_comparison(more=True)

    def show_comparison(self, more: bool) -> None:
        """Show the result beside its scan, `more` with 3D view, table and plot below."""
        self._played = False
        # There the change in HU lies over the scan.
        self._check(self.ui.heatmapCheckBox, False)
        with self.host.messages.guard(_("The comparison could not be shown")):
            self._enter(
                compare.show_comparison(
                    slicer.mrmlScene,
                    slicer.app.applicationLogic(),
                    self._look(),
                    self._chosen_orientation,
                    more,
                )
            )
            self.share_window()
            if more:
                slicer.util.resetThreeDViews()
        self.refresh()

    def _enter(self, before: int) -> None:
        """Remember the layout to go back to; views get their sizes, and legends, a little later."""
        if not layouts.is_comparison(before):
            self._former = before
        qt.QTimer.singleShot(LAYOUT_SETTLES_MS, self._fit)

    def _results_of_scan(self) -> list:
        """Return the nodes of every complete result of the scan that is shown, oldest first."""
        found = []
        for main in self.host.results.mains_of(self.host.shown.nodes.scan):
            with suppress(LookupError):  # one that the user took a node from
                found.append(result_nodes(slicer.mrmlScene, main))
        return found

    def _compare_results(self) -> None:
        """Show the scan and each result of it beside each other."""
        self._check(self.ui.heatmapCheckBox, False)
        with self.host.messages.guard(_("The comparison could not be shown")):
            self._enter(
                compare.show_results(
                    slicer.mrmlScene,
                    slicer.app.applicationLogic(),
                    self._look(),
                    self._chosen_orientation,
                )
            )
        self.refresh()

    def _fit(self) -> None:
        """Fit the scan into the views of the comparison, at the largest change."""
        shown = self.host.shown
        if shown is None or not shown.usable:
            return
        if not layouts.is_comparison(current_layout()):
            return
        with self.host.messages.guard(_("The views could not be fitted")):
            scene = slicer.mrmlScene
            self.stage()
            compare.set_orientation(scene, slicer.app.applicationLogic(), self._chosen_orientation)
            jump_to_change(scene, shown.nodes.focus)

    def _go_back(self) -> None:
        """Show the layout that was there before the comparison, with the heatmap over the scan."""
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if layout is not None:
            # A scene that was saved in the comparison has no layout before it.
            layout.SetViewArrangement(self._former or layout.SlicerLayoutFourUpView)
        self._release_window()
        self.show_heatmap(self.host.results.selected_heatmap())
        self.refresh()

    def share_window(self) -> None:
        """Keep scan, counterfactual and animation in one window, whichever of them is adjusted."""
        self._release_window()
        nodes = self.host.shown.nodes
        if not isinstance(nodes, SceneNodes):
            return  # the scan lies under a map in every view
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
        if not self._drawing:
            self._heatmap = self.host.results.selected_heatmap()
            self.stage()

    def _set_opacity(self, opacity: float) -> None:
        """Set the opacity of what lies over the scan: the heatmap, else the change in HU."""
        self.stage()

    def _toggle_surfaces(self, visible: bool) -> None:
        if self._drawing:
            return
        with self.host.messages.guard(_("The surfaces could not be made")):
            shown = self.host.shown
            if visible and not shown.nodes.surfaces:
                self.add_nodes(add_surfaces)
                slicer.util.resetThreeDViews()
            for model in self.host.shown.nodes.surfaces:
                model.GetDisplayNode().SetVisibility(visible)
        self.refresh()

    def add_nodes(self, add) -> None:
        """Add nodes to the set that is shown by `add(scene, explanation, nodes)`."""
        shown = self.host.shown
        with slicer.util.WaitCursor():
            nodes = add(slicer.mrmlScene, shown.result.explanation, shown.nodes)
        self.host.results.extend(replace(shown.result, nodes=nodes))

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
