"""Subject hierarchy: a folder beside the input, the chunks' heatmaps and plot data in folders."""

from __future__ import annotations

from collections.abc import Iterable

from ..counterfactual.result import DISCLAIMER
from .provenance import ATTRIBUTE_PREFIX

CHUNK_FOLDER = "Heatmaps by slices"
PLOT_FOLDER = "Plot data"


def add_folder(scene, input_node, name: str) -> int:
    """Add a folder under the input's parent (a DICOM scan's study) and return its item."""
    hierarchy = scene.GetSubjectHierarchyNode()
    input_item = _item(hierarchy, input_node, hierarchy.GetSceneItemID())
    folder = hierarchy.CreateFolderItem(hierarchy.GetItemParent(input_item), name)
    # A folder has no node and so no description of its own.
    hierarchy.SetItemAttribute(folder, ATTRIBUTE_PREFIX + "description", DISCLAIMER)
    return folder


def add_subfolder(scene, folder: int, name: str) -> int:
    """Add a folder inside `folder`, closed, and return its item."""
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.CreateFolderItem(folder, name)
    hierarchy.SetItemExpanded(item, False)
    return item


def place(scene, nodes: Iterable, folder: int) -> None:
    """Put nodes into a folder: in Slicer they have items already, without it they get theirs."""
    hierarchy = scene.GetSubjectHierarchyNode()
    for node in nodes:
        hierarchy.SetItemParent(_item(hierarchy, node, folder), folder)


def _item(hierarchy, node, parent: int) -> int:
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(parent, node)
