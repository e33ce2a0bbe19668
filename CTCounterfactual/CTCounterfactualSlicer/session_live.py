"""What the scene shows of a session: the live volume, and which of its planes are on the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk

from CTCounterfactualLib.jobs.live_file import LiveFile
from CTCounterfactualLib.scene.look.planes import shown_planes
from CTCounterfactualLib.scene.make.live_volume import LiveVolume

VIEW = "vtkMRMLSliceNode"


class SessionLive:
    """The live volume of a session in the views, and an eye on where they look.

    Parameters
    ----------
    scene, volume
        The scene, and the scan's node.
    described : dict
        The live file, as the worker describes it.
    onLook : callable
        Called when a view looks elsewhere.
    """

    def __init__(self, scene, volume, described: dict[str, Any], onLook: Callable[[], None]):
        self._scene, self._volume, self._on_look = scene, volume, onLook
        self._file = LiveFile.look(described)
        try:
            self._live = LiveVolume(scene, volume, self._file.voxels)
        except BaseException:
            self._file.close()
            raise
        self.put_into_views()
        self._looking = self.planes()
        modified = vtk.vtkCommand.ModifiedEvent
        self._tags = [
            (view, view.AddObserver(modified, self._look))
            for view in (
                scene.GetNthNodeByClass(number, VIEW)
                for number in range(scene.GetNumberOfNodesByClass(VIEW))
            )
        ]

    @property
    def node(self):
        """The live volume's node."""
        return self._live.node

    @property
    def there(self) -> bool:
        """Whether the node is in the scene; the user may have deleted it."""
        return self._live.node is not None and self._live.node.GetScene() is self._scene

    def put_into_views(self) -> None:
        """Show it in all views that show the scan, as some do after a result was kept."""
        if self.there:
            self._live.put_into_views(self._volume)

    def planes(self) -> list[list[int]]:
        """Return the planes on the screen: [axis of the array, number]."""
        return [list(plane) for plane in shown_planes(self._scene, self.node)]

    def show(self, axis: int, number: int) -> None:
        """Take over a plane that the worker has drawn."""
        if self.there:
            self._live.show_plane(axis, number)

    def show_all(self) -> None:
        """Take over all planes."""
        if self.there:
            self._live.show_all()

    def remove(self) -> None:
        """Let go of views, volume and file; fine to call again."""
        for view, tag in self._tags:
            view.RemoveObserver(tag)
        self._tags = []
        self._live.remove()
        self._file.close()

    def _look(self, caller, event) -> None:
        if self.there and self.planes() != self._looking:
            self._looking = self.planes()
            self._on_look()
