"""A segmentation node as one label map on a volume's grid, with the segments' names."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from .inputs import region_from_segment


def labels_from_segmentation(segmentation, volume) -> tuple[sitk.Image, dict[str, str]]:
    """Return a segmentation's segments as labels from 1 on, in their order, and label -> name.

    Where segments overlap the first has the voxel. Those without a voxel inside the volume are left
    out.

    Parameters
    ----------
    segmentation : vtkMRMLSegmentationNode
    volume : vtkMRMLScalarVolumeNode
        Whose grid the labels are to have.

    Returns
    -------
    (SimpleITK.Image, dict)
        uint16, LPS geometry; names by the labels as text, as JSON has them.

    Raises
    ------
    ScanError
        If no segment has a voxel inside the volume.
    """
    segments = segmentation.GetSegmentation()
    labels: np.ndarray | None = None
    image: sitk.Image | None = None
    names: dict[str, str] = {}
    for number in range(segments.GetNumberOfSegments()):
        identifier = segments.GetNthSegmentID(number)
        try:
            image = region_from_segment(segmentation, identifier, volume)
        except ScanError:  # it is empty, or lies elsewhere
            continue
        inside = sitk.GetArrayViewFromImage(image) > 0  # (K, J, I)
        if labels is None:
            labels = np.zeros(inside.shape, np.uint16)
        labels[inside & (labels == 0)] = number + 1
        names[str(number + 1)] = segments.GetSegment(identifier).GetName()
    if labels is None or image is None:
        raise ScanError(
            f"No segment of '{segmentation.GetName()}' has a voxel inside the volume "
            f"'{volume.GetName()}'. Choose the segmentation of this scan, or none "
            f"to take the lungs."
        )
    found = sitk.GetImageFromArray(labels)
    found.CopyInformation(image)
    return found, names
