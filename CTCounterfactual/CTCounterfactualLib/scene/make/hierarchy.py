"""Subject hierarchy: a folder beside the input, the chunks' heatmaps and plot data in folders."""

from __future__ import annotations

from collections.abc import Iterable

from ...counterfactual.result import DISCLAIMER
from .provenance import ATTRIBUTE_PREFIX

CHUNK_FOLDER = "Heatmaps by slices"
PLOT_FOLDER = "Plot data"
SURFACE_FOLDER = "3D"
# The attribute by which an explanation's folder is known.
FOLDER_MARK = "description"


def add_folder(scene, input_node, name: str) -> int:
    """Add a folder under the input's parent (a DICOM scan's study) and return its item."""
    hierarchy = scene.GetSubjectHierarchyNode()
    input_item = _item(hierarchy, input_node, hierarchy.GetSceneItemID())
    folder = hierarchy.CreateFolderItem(hierarchy.GetItemParent(input_item), name)
    # A folder has no node and so no description of its own.
    hierarchy.SetItemAttribute(folder, ATTRIBUTE_PREFIX + FOLDER_MARK, DISCLAIMER)
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


def item_of(scene, node) -> int:
    """Return the item of a node; 0 if it has none."""
    return scene.GetSubjectHierarchyNode().GetItemByDataNode(node)


def all_items(scene) -> list[int]:
    """Return every item of the subject hierarchy, parents before their children."""
    hierarchy = scene.GetSubjectHierarchyNode()
    items: list[int] = []
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    return items


def folder_with(scene, node) -> int:
    """Return the innermost folder of an explanation that holds a node; 0 if none does."""
    hierarchy = scene.GetSubjectHierarchyNode()
    item = item_of(scene, node)
    while item and not hierarchy.GetItemAttribute(item, ATTRIBUTE_PREFIX + FOLDER_MARK):
        item = hierarchy.GetItemParent(item)
    return item


def remove_items(scene, items: Iterable[int]) -> None:
    """Remove items, but neither their nodes nor what lies in them; 0 and removed ones are fine."""
    hierarchy = scene.GetSubjectHierarchyNode()
    present = set(all_items(scene))
    for item in items:
        if item in present:
            hierarchy.RemoveItem(item, False, False)


def remove_empty_folders(scene, folder: int) -> None:
    """Remove a folder and those in it, unless something else was put there."""
    hierarchy = scene.GetSubjectHierarchyNode()
    if folder not in all_items(scene):
        return
    inside: list[int] = []
    hierarchy.GetItemChildren(folder, inside, True)
    for item in (*reversed(inside), folder):  # the innermost first
        if hierarchy.GetItemDataNode(item) is None and not hierarchy.GetNumberOfItemChildren(item):
            hierarchy.RemoveItem(item, False, False)


def _item(hierarchy, node, parent: int) -> int:
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(parent, node)
