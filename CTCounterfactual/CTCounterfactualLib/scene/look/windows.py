"""One window for several volumes: what the user does to one of them, the others follow."""

from __future__ import annotations

from collections.abc import Sequence

from ..make import volumes


class SameWindow:
    """Keeps volumes in the same window and level until `release`.

    Parameters
    ----------
    nodes : sequence of vtkMRMLScalarVolumeNode
        The first gives the window to begin with.
    """

    def __init__(self, nodes: Sequence):
        self._displays = [node.GetDisplayNode() for node in nodes]
        self._copying = False
        for node in nodes[1:]:
            volumes.copy_window(node, nodes[0])
        self._tags = [
            (display, display.AddObserver("ModifiedEvent", self._copy))
            for display in self._displays
        ]

    def release(self) -> None:
        """Let each volume have a window of its own again; fine to call twice."""
        for display, tag in self._tags:
            display.RemoveObserver(tag)
        self._tags, self._displays = [], []

    def _copy(self, changed, _event) -> None:
        if self._copying:
            return
        self._copying = True
        try:
            for display in self._displays:
                if display is not changed:
                    display.SetAutoWindowLevel(False)
                    display.SetWindowLevel(changed.GetWindow(), changed.GetLevel())
        finally:
            self._copying = False
