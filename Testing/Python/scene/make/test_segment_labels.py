"""Segments as labels on a volume's grid: their order, overlaps, names, and none at all."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scene.make import volumes
from CTCounterfactualLib.scene.make.segment_labels import labels_from_segmentation
from CTCounterfactualLib.scene.mrml import slicer
from scene_factory import SIZE_KJI, add_chest


@pytest.fixture
def volume(scene, explanation):
    return add_chest(scene, explanation)


def segmentation_of(scene, volume, **blocks):
    """A segmentation with a segment for each (K, J, I) block, in their order."""
    scene.RegisterNodeClass(slicer.vtkMRMLSegmentationNode())
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")
    for name, block in blocks.items():
        voxels = np.zeros(SIZE_KJI, np.uint8)
        voxels[block] = 1
        source = volumes.add_like(scene, volume, voxels, name, labels=True)
        slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(source, node)
        scene.RemoveNode(source)
        segments = node.GetSegmentation()
        last = segments.GetNthSegmentID(segments.GetNumberOfSegments() - 1)
        segments.GetSegment(last).SetName(name)
    return node


def test_labels_are_numbered_named_and_lie_on_the_volume(scene, volume, explanation):
    node = segmentation_of(scene, volume, left=np.s_[2:6, 5:9, 4:9], right=np.s_[2:6, 5:9, 8:14])
    image, names = labels_from_segmentation(node, volume)
    assert names == {"1": "left", "2": "right"}
    labels = sitk.GetArrayFromImage(image)
    assert (labels[2:6, 5:9, 4:9] == 1).all()  # the first has what they share
    assert (labels[2:6, 5:9, 9:14] == 2).all()
    assert np.count_nonzero(labels) == 4 * 4 * 10
    assert image.GetDirection() == pytest.approx(explanation.scan.image.GetDirection())
    assert image.GetOrigin() == pytest.approx(explanation.scan.image.GetOrigin())


def test_a_segmentation_without_a_voxel_in_the_volume_is_told(scene, volume):
    node = segmentation_of(scene, volume)
    with pytest.raises(ScanError, match=r"No segment of 'organs'.*'CHEST'.*take the lungs"):
        labels_from_segmentation(node, volume)
