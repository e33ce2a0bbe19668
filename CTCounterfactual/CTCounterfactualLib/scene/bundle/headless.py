"""A MRML scene without Slicer: what the application does at start-up, and nothing that draws."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..mrml import slicer, vtk

# The oldest Slicer that the extension supports. Left alone, slicer-core puts its own name here, and
# Slicer warns on opening such a scene that it is another application's and may not load correctly.
SCENE_VERSION = "Slicer 5.10.0 0"


@dataclass
class HeadlessScene:
    """A scene and the logics that keep it alive.

    Parameters
    ----------
    scene : vtkMRMLScene
        Colours, input and output, and the modules' node classes are set up.
    application : vtkSlicerApplicationLogic
        What module logics belong to.
    logics : list
        Logics that watch the scene; they must live as long as it does.
    slices : dict
        vtkMRMLSliceLogic by the name of its view.
    """

    scene: slicer.vtkMRMLScene
    application: slicer.vtkSlicerApplicationLogic
    logics: list = field(default_factory=list)
    slices: dict = field(default_factory=dict)

    def add_layouts(self):
        """Add the logic that makes a layout's view nodes; return the scene's layout node."""
        logic = slicer.vtkMRMLLayoutLogic()
        logic.SetMRMLApplicationLogic(self.application)
        logic.SetMRMLScene(self.scene)
        self.logics.append(logic)
        return logic.GetLayoutNode()

    def add_slice_logic(self, slice_node, size: int):
        """Add the logic that blends what a slice node shows, on a square of `size` pixels."""
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.application)
        logic.SetMRMLScene(self.scene)
        logic.SetSliceNode(slice_node)
        logic.ResizeSliceNode(size, size)
        self.application.GetSliceLogics().AddItem(logic)
        self.slices[slice_node.GetLayoutName()] = logic
        return logic


@contextmanager
def headless_scene(cache: Path | None = None) -> Iterator[HeadlessScene]:
    """Make a scene that can be filled, written to .mrb and read from one; clear it afterwards.

    Parameters
    ----------
    cache : Path, optional
        Existing folder on a disk with room for the whole scene: bundles are packed and unpacked
        there. None makes a temporary one. Either way nothing is left in it.
    """
    folder = tempfile.mkdtemp(prefix="ct-counterfactual-", dir=cache)
    headless = None
    try:
        headless = _make_scene(folder)
        yield headless
    finally:
        if headless is not None:
            headless.application.GetSliceLogics().RemoveAllItems()
            headless.slices.clear()
            headless.logics.clear()
            headless.scene.Clear(True)
        shutil.rmtree(folder, ignore_errors=True)


def _make_scene(cache: str) -> HeadlessScene:
    scene = slicer.vtkMRMLScene()
    scene.SetVersion(SCENE_VERSION)
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    application.GetColorLogic().SetMRMLScene(scene)
    application.GetColorLogic().AddDefaultColorNodes()
    application.SetSliceLogics(vtk.vtkCollection())
    application.SetViewLogics(vtk.vtkCollection())
    remote_io, data_io = slicer.vtkMRMLRemoteIOLogic(), slicer.vtkDataIOManagerLogic()
    remote_io.GetCacheManager().SetRemoteCacheDirectory(cache)  # bundles are packed in there
    application.SetMRMLSceneDataIO(scene, remote_io, data_io)
    headless = HeadlessScene(scene, application, [remote_io, data_io])
    for make in (
        slicer.vtkSlicerVolumesLogic,
        slicer.vtkSlicerSequencesLogic,
        slicer.vtkSlicerSubjectHierarchyModuleLogic,
    ):
        logic = make()
        logic.SetMRMLApplicationLogic(application)
        logic.SetMRMLScene(scene)  # registers the module's node classes
        headless.logics.append(logic)
    # The colours module would register it, but also looks for Slicer's home folder.
    scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return headless
