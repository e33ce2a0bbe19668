"""Volumes and label maps: voxels, geometry, windows, units; the input is only read."""

from dataclasses import replace

import numpy as np
import pytest

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.volumes import add_image, add_scan, ijk_to_ras
from CTCounterfactualLib.scene.mrml import slicer, vtk
from scene_factory import FALL_AT, RISE_AT, SIZE_KJI, make_explanation


@pytest.mark.parametrize("flipped", [False, True])
def test_each_volume_lies_on_the_scans_grid(scene, flipped):
    explanation = make_explanation(flipped)
    nodes = build_nodes(scene, explanation)
    for node in (nodes.scan, nodes.counterfactual, nodes.change, nodes.heatmap):
        assert node.GetImageData().GetDimensions() == (40, 30, 20)
        np.testing.assert_allclose(ijk_to_ras(node), explanation.scan.ijk_to_ras(), atol=1e-9)
    sign = np.sign(np.linalg.det(ijk_to_ras(nodes.scan)))
    assert sign == (-1 if flipped else 1)  # LPS -> RAS is a rotation, so a mirror stays one


def test_voxels_are_the_explanations(nodes, explanation):
    voxels = slicer.util.arrayFromVolume
    np.testing.assert_array_equal(voxels(nodes.scan), explanation.scan.array)
    np.testing.assert_array_equal(voxels(nodes.counterfactual), explanation.counterfactual)
    np.testing.assert_array_equal(voxels(nodes.change), explanation.difference)
    np.testing.assert_array_equal(voxels(nodes.heatmap), explanation.heatmap)
    types = [voxels(n).dtype for n in (nodes.counterfactual, nodes.change, nodes.heatmap)]
    assert types == [np.int16, np.int16, np.uint8]


@pytest.mark.parametrize("flipped", [False, True])
def test_chunk_heatmaps_lie_where_their_voxels_are(scene, flipped):
    explanation = make_explanation(flipped)
    nodes = build_nodes(scene, explanation)
    for chunk, (k, j, i) in zip(nodes.chunk_heatmaps, (FALL_AT, RISE_AT), strict=True):
        lps = explanation.scan.image.TransformIndexToPhysicalPoint((i, j, k))  # ITK's own answer
        ras = np.array([-lps[0], -lps[1], lps[2], 1.0])
        index = np.linalg.inv(ijk_to_ras(chunk)) @ ras
        ci, cj, ck = np.round(index[:3]).astype(int)
        np.testing.assert_allclose(index[:3], (ci, cj, ck), atol=1e-6)
        label = slicer.util.arrayFromVolume(chunk)[ck, cj, ci]
        assert label == explanation.heatmap[k, j, i] != 0
        assert chunk.GetImageData().GetDimensions() == (40, 30, 10)


def test_names_are_deterministic(nodes):
    assert nodes.scan.GetName() == "CHEST"
    assert nodes.counterfactual.GetName() == "CHEST counterfactual"
    assert nodes.change.GetName() == "CHEST change (HU)"
    assert nodes.heatmap.GetName() == "CHEST heatmap"
    assert [n.GetName() for n in nodes.chunk_heatmaps] == [
        "CHEST heatmap slices 000-010",
        "CHEST heatmap slices 010-020",
    ]


def test_scan_and_counterfactual_open_in_a_lung_window(nodes):
    for node in (nodes.scan, nodes.counterfactual):
        display = node.GetDisplayNode()
        assert (display.GetWindow(), display.GetLevel()) == (1500, -500)
        assert not display.GetAutoWindowLevel()
        assert node.GetVoxelValueUnits().GetCodeMeaning() == "Hounsfield unit"


def test_outputs_follow_the_inputs_transform_and_window(scene, explanation):
    mine = add_scan(scene, explanation.scan, "my CT")
    mine.GetDisplayNode().SetWindowLevel(400, 40)
    mine.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    moved = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 12.0)
    moved.SetMatrixTransformToParent(matrix)
    mine.SetAndObserveTransformNodeID(moved.GetID())

    nodes = build_nodes(scene, explanation, mine)

    assert nodes.scan is mine
    assert mine.GetName() == "my CT"
    assert mine.GetAttributeNames() == ("DICOM.instanceUIDs",)  # untouched
    for node in (nodes.counterfactual, nodes.change, nodes.heatmap, *nodes.chunk_heatmaps):
        assert node.GetTransformNodeID() == moved.GetID()
        assert node.GetAttribute("DICOM.instanceUIDs") is None  # not the patient's own series
    display = nodes.counterfactual.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (400, 40)
    assert display is not mine.GetDisplayNode()


def test_volume_of_another_size_is_refused(scene, explanation):
    small = add_image(scene, explanation.chunk_heatmaps[0].image, "cut")
    before = scene.GetNumberOfNodes()
    with pytest.raises(ScanError, match=r"'cut' has 40 x 30 x 10 .* of 40 x 30 x 20"):
        build_nodes(scene, explanation, small)
    assert scene.GetNumberOfNodes() == before


def test_volume_that_was_moved_is_refused(scene, explanation):
    mine = add_scan(scene, explanation.scan, "CT")
    mine.SetOrigin(np.array(mine.GetOrigin()) + np.array([0, 0, 5]))
    with pytest.raises(ScanError, match=r"'CT' lies up to 5 mm away"):
        build_nodes(scene, explanation, mine)


def test_rounded_matrix_of_a_file_is_still_the_same_grid(scene, explanation):
    mine = add_scan(scene, explanation.scan, "CT")
    mine.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras(mine).astype(np.float32)))
    assert build_nodes(scene, explanation, mine).scan is mine


def test_64_bit_scans_become_32_bit(scene):
    hu = np.full((2, 3, 4), -2000, np.int64)
    node = add_scan(scene, Scan.from_array(hu), "wide")
    voxels = slicer.util.arrayFromVolume(node)
    assert voxels.dtype == np.int32
    np.testing.assert_array_equal(voxels, hu)


def test_failure_leaves_the_scene_as_it_was(scene, explanation):
    scene.GetSubjectHierarchyNode()
    before = scene.GetNumberOfNodes()
    foreign = replace(explanation.chunks[0], start=3)  # no heatmap has this range
    broken = replace(explanation, chunks=(foreign, explanation.chunks[1]))
    with pytest.raises(KeyError):
        build_nodes(scene, broken)
    assert scene.GetNumberOfNodes() == before


def test_second_explanation_leaves_the_first_alone(scene, explanation, nodes):
    ids = [scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())]
    names = [scene.GetNodeByID(i).GetName() for i in ids]
    second = build_nodes(scene, explanation, nodes.scan)
    assert [scene.GetNodeByID(i).GetName() for i in ids] == names
    assert second.counterfactual.GetName() == "CHEST counterfactual (2)"
    assert second.chunk_heatmaps[1].GetName() == "CHEST heatmap slices 010-020 (2)"
    assert second.folder != nodes.folder
    slicer.util.arrayFromVolume(second.counterfactual)[:] = 0
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(nodes.counterfactual), explanation.counterfactual
    )
    third = build_nodes(scene, explanation)
    assert third.scan.GetName() == "CHEST (3)"
    assert third.counterfactual.GetName() == "CHEST counterfactual (3)"


def test_arrays_are_copied(nodes, explanation):
    explanation.counterfactual[:] = 7
    assert slicer.util.arrayFromVolume(nodes.counterfactual).shape == SIZE_KJI
    assert not (slicer.util.arrayFromVolume(nodes.counterfactual) == 7).all()
