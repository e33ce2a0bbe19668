"""The volume that follows lambda: a node that shows what a session's worker draws into a file."""

from __future__ import annotations

from ..mrml import slicer
from . import provenance, volumes
from .names import Names
from .transaction import remove_nodes

LIVE_NAME = "live counterfactual"


class LiveVolume:
    """A scalar volume on a scan's grid, not saved with the scene, of which planes are replaced.

    Parameters
    ----------
    scene, scan_node
        The scene, and the volume whose lambda moves.
    voxels : numpy.ndarray
        (K, J, I), HU: what is shown; another process writes into it.

    Attributes
    ----------
    node : vtkMRMLScalarVolumeNode
        In the scan's window, under its parent transform.
    """

    def __init__(self, scene, scan_node, voxels):
        self._scene, self._voxels = scene, voxels
        name = Names.unused(scene, scan_node.GetName(), LIVE_NAME).of(LIVE_NAME)
        self.node = volumes.add_like(scene, scan_node, voxels, name)
        volumes.copy_window(self.node, scan_node)
        provenance.set_attributes(self.node, **{provenance.LIVE: "true"})
        for node in (self.node, self.node.GetDisplayNode()):
            node.SetSaveWithScene(False)
        self._before: dict[str, str | None] = {}

    def show_plane(self, axis: int, number: int) -> None:
        """Take over a plane (axis of the array, number) from the file."""
        where = tuple(number if n == axis else slice(None) for n in range(self._voxels.ndim))
        slicer.util.arrayFromVolume(self.node)[where] = self._voxels[where]
        slicer.util.arrayFromVolumeModified(self.node)

    def show_all(self) -> None:
        """Take over all planes."""
        slicer.util.arrayFromVolume(self.node)[:] = self._voxels
        slicer.util.arrayFromVolumeModified(self.node)

    def put_into_views(self, scan_node) -> None:
        """Show it in place of the scan in all views that show the scan."""
        for composite in self._composites():
            if composite.GetBackgroundVolumeID() == scan_node.GetID():
                self._before[composite.GetID()] = scan_node.GetID()
                composite.SetBackgroundVolumeID(self.node.GetID())

    def remove(self) -> None:
        """Take it out of the scene, the scan back into its views; fine to call again."""
        mine = self.node
        if mine is not None and mine.GetScene() is self._scene:
            for composite in self._composites():
                before = self._before.get(composite.GetID())
                there = before is not None and self._scene.GetNodeByID(before) is not None
                if there and composite.GetBackgroundVolumeID() == mine.GetID():
                    composite.SetBackgroundVolumeID(before)
            display = mine.GetDisplayNode()
            remove_nodes(self._scene, [node.GetID() for node in (display, mine) if node])
        self.node = self._voxels = None

    def _composites(self) -> list:
        return [
            self._scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")
            for number in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode"))
        ]
