"""Names of the files within a bundle that every system can unpack, whatever the nodes are called.

MRML makes them from the nodes' names. It escapes most of what Windows refuses in a file's name, but
not "<" and ">", cuts a name at a backslash, and knows nothing of the names of devices.
"""

from __future__ import annotations

import re

from ..mrml import slicer

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_REFUSED = re.compile(r'[<>:"/\\|?*%\x00-\x1f\x7f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
# What MRML leaves as it is or escapes well: names that need nothing from here.
_HARMLESS = re.compile(r"[^<>\\]*")


def member_name(name: str) -> str:
    """Return a node's name as a file's name without suffix, "_" for what some system refuses."""
    safe = _REFUSED.sub("_", name)
    return f"_{safe}" if _DEVICE.match(safe) else safe


def name_members(scene) -> None:
    """Have the files of nodes with such names called safely; the nodes keep their names."""
    taken: set[str] = set()
    for number in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(number)
        if not (node.IsA("vtkMRMLStorableNode") and node.GetSaveWithScene()):
            continue
        name = node.GetName() or ""
        if _HARMLESS.fullmatch(name) and not _DEVICE.match(name):
            continue
        storage = node.GetStorageNode() or _add_storage(node)
        if storage is None:
            continue
        safe = member_name(name)
        while safe.lower() in taken:
            safe += "_"
        taken.add(safe.lower())
        storage.SetFileName(f"{safe}.{storage.GetDefaultWriteFileExtension()}")


def _add_storage(node) -> slicer.vtkMRMLStorageNode | None:
    node.AddDefaultStorageNode()
    return node.GetStorageNode()
