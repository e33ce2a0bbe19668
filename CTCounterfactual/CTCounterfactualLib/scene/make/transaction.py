"""All or nothing: additions to a scene that are taken away again if they can't be completed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from . import hierarchy


@contextmanager
def all_or_nothing(scene) -> Iterator[None]:
    """Remove from the scene whatever nodes and folders were added if the block raises."""
    scene.GetSubjectHierarchyNode()  # made on first use: must not count as an addition
    before, items = set(_node_ids(scene)), set(hierarchy.all_items(scene))
    try:
        yield
    except BaseException:
        remove_nodes(scene, [node_id for node_id in _node_ids(scene) if node_id not in before])
        hierarchy.remove_items(
            scene, [item for item in hierarchy.all_items(scene) if item not in items]
        )
        raise


def remove_nodes(scene, node_ids: Iterable[str]) -> None:
    """Remove nodes by identifier, and their places in the subject hierarchy; some may be gone.

    Legends go first: to draw one without its display or colours is an error of VTK's. Displays
    go behind their volumes: a slice view that shows a volume without one gives it a new one at
    once, which would stay behind. Colours go last, when nothing is drawn with them any more.
    """
    present = [node for node in map(scene.GetNodeByID, node_ids) if node is not None]
    present.sort(key=_when)
    items = [hierarchy.item_of(scene, node) for node in present]
    for node in present:
        if node.GetScene() is scene:  # it may have gone with another
            scene.RemoveNode(node)
    hierarchy.remove_items(scene, items)  # Slicer has done so; without it nobody has


def _when(node) -> int:
    """Return when a node goes, as a number to sort by."""
    order = ("vtkMRMLColorLegendDisplayNode", "", "vtkMRMLDisplayNode", "vtkMRMLColorNode")
    return next((rank for rank, kind in enumerate(order) if kind and node.IsA(kind)), 1)


def _node_ids(scene) -> list[str]:
    return [scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())]
