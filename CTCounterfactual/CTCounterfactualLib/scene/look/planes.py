"""Which planes of a volume the slice views show."""

from __future__ import annotations

import math

import numpy as np

from ..make import volumes
from ..mrml import slicer, vtk

# A view whose plane drifts off a layer of voxels by less than this, within what it shows, counts as
# along the layer: voxels.
ALONG = 0.5
# So near to a layer of voxels only that one shows: voxels.
AT_LAYER = 0.02
AXES = 3


def shown_planes(scene, volume) -> list[tuple[int, int]]:
    """Return the planes of a volume that slice views show: (axis of its array, number), once each.

    Between two layers of voxels a view shows both. A view that lies across the layers (reformatted,
    rotated to another volume) has none; it takes the whole volume.
    """
    planes: dict[tuple[int, int], None] = {}
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")
        view = scene.GetSingletonNode(composite.GetLayoutName(), "vtkMRMLSliceNode")
        shows = composite.GetBackgroundVolumeID() == volume.GetID()
        if shows and view is not None and view.IsMappedInLayout():
            planes.update(dict.fromkeys(planes_of(view, volume)))
    return list(planes)


def planes_of(view, volume) -> list[tuple[int, int]]:
    """Return the planes of a volume that one slice view shows; see `shown_planes`."""
    to_ijk = np.linalg.inv(volumes.ijk_to_ras(volume))
    to_volume = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        None, volume.GetParentTransformNode(), to_volume
    )
    matrix = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
    half = [mm / 2 for mm in view.GetFieldOfView()[:2]]
    corners = [
        matrix @ (a * half[0], b * half[1], 0.0, 1.0) for a, b in ((0, 0), (1, 1), (1, -1), (-1, 1))
    ]
    index = np.array(
        [(to_ijk @ (*to_volume.TransformPoint(*corner[:3]), 1.0))[:3] for corner in corners]
    )
    for column, drift in enumerate(np.ptp(index, axis=0)):
        if drift < ALONG:
            size = volume.GetImageData().GetDimensions()[column]
            return [(AXES - 1 - column, layer) for layer in _layers(float(index[0, column]), size)]
    return []


def _layers(at: float, size: int) -> list[int]:
    """Return the layers of voxels that show at a place between them; none beyond the volume."""
    nearest = round(at)
    layers = [nearest] if abs(at - nearest) < AT_LAYER else [math.floor(at), math.ceil(at)]
    return [layer for layer in layers if 0 <= layer < size]
