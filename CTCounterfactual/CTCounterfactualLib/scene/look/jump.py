"""Where to look: positions of changes and slabs in the world, and all slice views moved there."""

from __future__ import annotations

import numpy as np

from ..make import volumes
from ..make.provenance import get_number
from ..mrml import slicer, vtk


def jump_to_slab(scene, about, scan_node=None) -> tuple[float, float, float]:
    """Move every slice view, whatever its orientation, to the middle of a chunk's slab.

    Parameters
    ----------
    about : vtkMRMLLabelMapVolumeNode or tuple of float
        A chunk's heatmap: in plane, the views then go to where most of its change is. Or the S
        coordinates (mm, RAS, before any parent transform) of the slab's lower and upper face.
    scan_node : vtkMRMLScalarVolumeNode, optional
        The scan, needed with coordinates; in plane, the views go to its middle.

    Returns
    -------
    tuple of float
        The position in the world, RAS, mm.
    """
    if isinstance(about, tuple):
        node, (low, high) = scan_node, about
        right, anterior, _ = _middle(scan_node)
    else:
        node = about
        low, high = (get_number(about, name) for name in ("slabLow", "slabHigh"))
        right, anterior, _ = _focus(about)
    world = to_world(node, (right, anterior, (low + high) / 2))
    jump(scene, world)
    return world


def jump_to_change(scene, heatmap) -> tuple[float, float, float]:
    """Move every slice view to a changed voxel in the slice with most of them; see `find_focus`."""
    world = find_focus(heatmap)
    jump(scene, world)
    return world


def jump(scene, world: tuple[float, float, float]) -> None:
    """Move every slice view so that it shows a position of the world (RAS, mm)."""
    slices = slicer.vtkMRMLSliceNode
    slices.JumpAllSlices(scene, *world, slices.OffsetJumpSlice)


def find_focus(heatmap) -> tuple[float, float, float]:
    """Return the RAS position (mm, world) of a changed voxel in the slice with most of them.

    It is the labelled voxel nearest to the middle of that slice's labels; the middle of the volume
    where nothing is labelled. "World" is after the node's parent transform.
    """
    return to_world(heatmap, _focus(heatmap))


def to_world(node, ras: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return where a position in a node's own space (RAS, mm) lies after its parent transforms."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        node.GetParentTransformNode(), None, transform
    )
    return transform.TransformPoint(ras)


def _focus(heatmap) -> tuple[float, float, float]:
    """Return the focus in the node's own space, RAS mm."""
    labels = slicer.util.arrayFromVolume(heatmap)  # (K, J, I)
    counts = [np.count_nonzero(plane) for plane in labels]
    k = int(np.argmax(counts))
    if not counts[k]:
        return _middle(heatmap)
    places = np.argwhere(labels[k])  # (n, 2): J, I
    middle = places.mean(axis=0)
    j, i = places[np.argmin(((places - middle) ** 2).sum(axis=1))]
    return _ras(heatmap, i, j, k)


def _middle(volume) -> tuple[float, float, float]:
    return _ras(volume, *((n - 1) / 2 for n in volume.GetImageData().GetDimensions()))


def _ras(volume, i: float, j: float, k: float) -> tuple[float, float, float]:
    return tuple((volumes.ijk_to_ras(volume) @ [i, j, k, 1.0])[:3].tolist())
