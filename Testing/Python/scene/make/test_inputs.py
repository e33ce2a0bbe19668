"""A node as a scan, and a segment as a mask: same voxels, same places, or words."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.checks import IMPLAUSIBLE_SIZE
from CTCounterfactualLib.scene.make.inputs import region_from_segment, scan_from_node
from CTCounterfactualLib.scene.make.volumes import add_like, add_scan, add_volume, ijk_to_ras
from CTCounterfactualLib.scene.mrml import slicer, vtk
from scene_factory import SIZE_KJI, SPACING, make_explanation

NAMES = ("first", "second")


@pytest.fixture(params=[False, True], ids=["right-handed", "left-handed"])
def oblique(request):
    return make_explanation(flipped=request.param).scan


@pytest.fixture
def volume(scene, oblique):
    return add_scan(scene, oblique, "CT")


@pytest.fixture
def drawn(scene, volume):
    """(segmentation, ids, labels) of two blocks that share one label map."""
    labels = np.zeros(SIZE_KJI, np.uint8)
    labels[3:8, 5:20, 10:25] = 1
    labels[10:14, 5:20, 10:25] = 2
    source = add_like(scene, volume, labels, "labels", labels=True)
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.ImportLabelmapToSegmentationNode(source, segmentation)
    scene.RemoveNode(source)
    segments = segmentation.GetSegmentation()
    ids = [segments.GetNthSegmentID(n) for n in range(2)]
    for segment_id, name in zip(ids, NAMES, strict=True):
        segments.GetSegment(segment_id).SetName(name)
    return segmentation, ids, labels


def move(scene, node, matrix):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def notes(scan):
    """The scan's warnings but that of its size: those made here are smaller than any patient."""
    return tuple(note for note in scan.warnings if note[0] != IMPLAUSIBLE_SIZE)


def node_names(scene):
    return [scene.GetNthNode(n).GetName() for n in range(scene.GetNumberOfNodes())]


def test_scan_has_the_nodes_voxels_and_geometry(volume, oblique):
    scan = scan_from_node(volume)
    np.testing.assert_array_equal(scan.array, oblique.array)
    assert scan.array.dtype == np.int16
    np.testing.assert_allclose(scan.ijk_to_ras(), ijk_to_ras(volume), atol=1e-12)
    np.testing.assert_allclose(scan.ijk_to_ras(), oblique.ijk_to_ras(), atol=1e-12)
    assert scan.spacing == pytest.approx(SPACING)
    assert (scan.name, scan.path, scan.sha256, notes(scan)) == ("CT", "", "", ())


def test_scan_is_a_copy(volume):
    scan = scan_from_node(volume)
    before = scan.array.copy()
    slicer.util.arrayFromVolume(volume)[:] = 0
    np.testing.assert_array_equal(scan.array, before)


def test_scan_survives_a_file(volume, tmp_path):
    scan = scan_from_node(volume)
    sitk.WriteImage(scan.image, tmp_path / "input.nrrd")
    read = sitk.ReadImage(tmp_path / "input.nrrd")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read), scan.array)
    np.testing.assert_allclose(read.GetDirection(), scan.image.GetDirection(), atol=1e-9)
    np.testing.assert_allclose(read.GetOrigin(), scan.image.GetOrigin(), atol=1e-9)


def test_sheared_volume_keeps_its_shear(scene):
    # A gantry tilt that was hardened into the matrix: K leans towards J.
    matrix = np.array([[-1, 0, 0, 5], [0, -1, 0.5, 7], [0, 0, 2, -9], [0, 0, 0, 1.0]])
    node = add_volume(scene, np.zeros((4, 5, 6), np.int16), matrix, "tilted")
    scan = scan_from_node(node, assume_hu=True)
    np.testing.assert_allclose(scan.ijk_to_ras(), ijk_to_ras(node), atol=1e-12)
    np.testing.assert_allclose(ijk_to_ras(node), matrix, atol=1e-12)


def test_parent_transform_becomes_a_warning_and_moves_nothing(scene, volume, oblique):
    move(scene, volume, np.diag([1.0, -1, 1, 1]))
    scan = scan_from_node(volume)
    np.testing.assert_allclose(scan.ijk_to_ras(), oblique.ijk_to_ras(), atol=1e-12)
    ((name, message),) = notes(scan)
    assert name == "parent-transform"
    assert "'moved'" in message


def test_non_linear_parent_transform_says_voxel_space(scene, volume):
    grid = vtk.vtkImageData()
    grid.SetDimensions(3, 3, 3)
    grid.AllocateScalars(vtk.VTK_DOUBLE, 3)
    vtk.util.numpy_support.vtk_to_numpy(grid.GetPointData().GetScalars())[:] = 1.5
    warp = slicer.vtkOrientedGridTransform()
    warp.SetDisplacementGridData(grid)
    node = scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "tilt correction")
    node.SetAndObserveTransformToParent(warp)
    volume.SetAndObserveTransformNodeID(node.GetID())
    ((name, message),) = notes(scan_from_node(volume))
    assert name == "non-linear-transform"
    assert "'tilt correction'" in message
    assert "voxel space" in message


def bits(scene):
    image = vtk.vtkImageData()
    image.SetDimensions(8, 8, 8)
    image.AllocateScalars(vtk.VTK_BIT, 1)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "v")
    node.SetAndObserveImageData(image)
    return node


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda scene: None, "No volume is chosen"),
        (lambda scene: scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "v"), "'v' is empty"),
        (
            lambda scene: add_volume(scene, np.zeros((3, 3, 3), np.uint8), np.eye(4), "v", True),
            "'v' is a label map",
        ),
        (
            lambda scene: add_volume(scene, np.zeros((1, 3, 3), np.int16), np.eye(4), "v"),
            r"flat \(3 x 3 x 1 voxels\)",
        ),
        (
            lambda scene: slicer.util.addVolumeFromArray(
                np.zeros((3, 3, 3, 3), np.uint8), name="v", nodeClassName="vtkMRMLVectorVolumeNode"
            ),
            "has 3 values a voxel",
        ),
        (
            lambda scene: add_volume(
                scene, np.zeros((3, 3, 3), np.int16), np.diag([1.0, 1, 0, 1]), "v"
            ),
            "'v' has no proper geometry",
        ),
        (lambda scene: "MyScan", "'MyScan' is a str, no scalar volume node"),
        (
            lambda scene: scene.AddNewNodeByClass("vtkMRMLModelNode", "m"),
            "'m' is a vtkMRMLModelNode",
        ),
        (lambda scene: bits(scene), "'v' has one bit a voxel"),
    ],
    ids=["none", "empty", "labels", "flat", "vector", "singular", "name", "model", "bits"],
)
def test_what_is_no_scan_is_refused_in_words(scene, monkeypatch, make, words):
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    with pytest.raises(ScanError, match=words):
        scan_from_node(make(scene))


@pytest.mark.parametrize("number", [0, 1])
def test_segment_is_its_own_voxels_on_the_volumes_grid(scene, volume, drawn, number):
    segmentation, ids, labels = drawn
    nodes = node_names(scene)
    mask = region_from_segment(segmentation, ids[number], volume)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), labels == number + 1)
    assert mask.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(mask.GetDirection(), scan_from_node(volume).image.GetDirection())
    assert mask.GetOrigin() == scan_from_node(volume).image.GetOrigin()
    assert node_names(scene) == nodes


def test_segment_under_the_same_transform_stays(scene, volume, drawn):
    segmentation, ids, labels = drawn
    turned = np.array([[0.8, -0.6, 0, 9], [0.6, 0.8, 0, -4], [0, 0, 1, 2], [0, 0, 0, 1.0]])
    transform = move(scene, volume, turned)
    segmentation.SetAndObserveTransformNodeID(transform.GetID())
    mask = region_from_segment(segmentation, ids[0], volume)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), labels == 1)


@pytest.mark.parametrize("moved", ["segmentation", "volume"])
def test_transform_of_one_of_them_shifts_the_mask(scene, volume, drawn, moved):
    segmentation, ids, labels = drawn
    shift = np.eye(4)
    shift[:3, 3] = 2 * ijk_to_ras(volume)[:3, 2]  # by two slices along K
    move(scene, segmentation if moved == "segmentation" else volume, shift)
    mask = sitk.GetArrayFromImage(region_from_segment(segmentation, ids[0], volume))
    expected = np.roll(labels == 1, 2 if moved == "segmentation" else -2, axis=0)
    np.testing.assert_array_equal(mask, expected)


def test_segment_drawn_on_another_grid_lies_at_the_same_place(scene, volume, drawn):
    segmentation, ids, labels = drawn
    fine = ijk_to_ras(volume) @ np.array(  # half the voxel size, same corner
        [[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 0.5, -0.25], [0, 0, 0, 1]]
    )
    other = add_volume(scene, np.zeros([2 * n for n in SIZE_KJI], np.int16), fine, "fine")
    mask = sitk.GetArrayFromImage(region_from_segment(segmentation, ids[1], other))
    doubled = np.kron(labels == 2, np.ones((2, 2, 2), bool))
    np.testing.assert_array_equal(mask, doubled)


def test_closed_surface_is_turned_into_voxels_and_not_changed(headless, volume):
    scene = headless.scene
    logic = slicer.vtkSlicerSegmentationsModuleLogic()
    logic.SetMRMLApplicationLogic(headless.application)
    logic.SetMRMLScene(scene)  # registers the conversions, as Slicer does at start-up
    headless.logics.append(logic)
    middle = (ijk_to_ras(volume) @ [19.5, 14.5, 9.5, 1])[:3]
    sphere = vtk.vtkSphereSource()
    sphere.SetCenter(*middle)
    sphere.SetRadius(8.0)
    sphere.SetThetaResolution(48)
    sphere.SetPhiResolution(48)
    sphere.Update()
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "ball")
    segmentation.SetSourceRepresentationToClosedSurface()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment_id = segmentation.AddSegmentFromClosedSurfaceRepresentation(
        sphere.GetOutput(), "ball", [1, 0, 0]
    )
    mask = sitk.GetArrayFromImage(region_from_segment(segmentation, segment_id, volume))
    assert mask.sum() * np.prod(SPACING) == pytest.approx(4 / 3 * np.pi * 8.0**3, rel=0.05)
    assert not segmentation.GetSegmentation().ContainsRepresentation("Binary labelmap")


def test_segments_without_voxels_in_the_volume_are_refused(scene, volume, drawn):
    segmentation, ids, _ = drawn
    empty = segmentation.GetSegmentation().AddEmptySegment("", "nothing")
    with pytest.raises(ScanError, match="'nothing' of 'drawn' has no voxel"):
        region_from_segment(segmentation, empty, volume)
    with pytest.raises(ScanError, match="has no segment 'gone'"):
        region_from_segment(segmentation, "gone", volume)
    with pytest.raises(ScanError, match="No segmentation is chosen"):
        region_from_segment(None, "", volume)
    far = np.eye(4)
    far[:3, 3] = 500.0
    move(scene, segmentation, far)
    with pytest.raises(ScanError, match="'first' of 'drawn' has no voxel inside the volume 'CT'"):
        region_from_segment(segmentation, ids[0], volume)
