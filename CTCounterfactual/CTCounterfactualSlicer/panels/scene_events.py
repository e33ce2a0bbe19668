"""What the widget does when the scene is closed or loaded, or nodes come and go."""

from __future__ import annotations

from typing import Any

import qt
import vtk


class SceneEvents:
    """Mixed into the module's widget; keeps the panel to what the scene holds now."""

    # The widget's own.
    machine: Any
    shown: Any
    messages: Any
    results: Any
    compare: Any
    export: Any
    input: Any
    _entered: bool
    addObserver: Any
    show: Any
    setParameterNode: Any
    initializeParameterNode: Any

    def watchScene(self, scene) -> None:
        """Follow a scene's events until the widget removes its observers."""
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved)

    def onSceneStartClose(self, caller, event) -> None:
        """Forget the scene's nodes; a running job watches the scene itself and ends."""
        self.messages.clear()
        self.export.forget()
        self.show(None)
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event) -> None:
        """Start afresh in the empty scene."""
        if self._entered:
            self.initializeParameterNode()
        self.results.find_results()

    def onSceneStartImport(self, caller, event) -> None:
        """Let go: controls that are empty for now would overwrite the choices being loaded."""
        self.setParameterNode(None)

    def onSceneEndImport(self, caller, event) -> None:
        """Show choices and results that came with a scene file."""
        if self._entered:
            self.initializeParameterNode()
        if not self.machine.busy:
            self.results.find_results()
            self.compare.follow_scene()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller, event, node) -> None:
        """Choose a scan that was loaded; what it is, is known when it is complete."""
        if self._entered and node.IsA("vtkMRMLScalarVolumeNode") and not caller.IsImporting():
            qt.QTimer.singleShot(0, lambda: self.input.offer(node))

    def onNodeRemoved(self, caller, event) -> None:
        """Look for other results when nodes of the one that is shown were deleted."""
        if self.shown is not None and not self.machine.busy and not self.shown.usable:
            self.results.lost()
