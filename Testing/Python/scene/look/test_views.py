"""What the views show, checked on the blended pixels (no OpenGL)."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.scene.bundle.arrange import arrange_headless
from CTCounterfactualLib.scene.bundle.thumbnail import blend, thumbnail
from CTCounterfactualLib.scene.look.jump import find_focus
from CTCounterfactualLib.scene.look.views import show_layers
from CTCounterfactualLib.scene.make.volumes import ijk_to_ras
from CTCounterfactualLib.scene.mrml import slicer, vtk
from scene_factory import FALL_AT


@pytest.fixture
def arranged(headless, nodes):
    arrange_headless(headless, nodes)
    return headless


def save_png(image, path):
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()


def pixel_of(logic, ras):
    """Return (row from the top, column) of a RAS position in a slice view."""
    to_view = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(logic.GetSliceNode().GetXYToRAS(), to_view)
    x, y, _, _ = to_view.MultiplyPoint((*ras, 1.0))
    return logic.GetSliceNode().GetDimensions()[1] - 1 - round(y), round(x)


def ras_of(node, k, j, i):
    return (ijk_to_ras(node) @ [i, j, k, 1.0])[:3].tolist()


def test_pictures_have_the_heatmaps_colours_where_labels_are(arranged, nodes, tmp_path):
    grey = blend(arranged.slices["Red"])
    heat = blend(arranged.slices["Yellow"])
    change = blend(arranged.slices["Green"])
    save_png(thumbnail(arranged.slices["Yellow"]), tmp_path / "heatmap.png")
    saved = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "heatmap.png"))
    np.testing.assert_array_equal(saved, heat)
    assert (grey[..., 0] == grey[..., 2]).all()
    at = pixel_of(arranged.slices["Yellow"], find_focus(nodes.heatmap))
    for picture in (heat, change):
        r, _, b = picture[at].astype(int)
        assert b > r + 50  # HU fall there: blue
        tinted = (picture[..., 2].astype(int) - picture[..., 0]) > 20
        assert tinted.any()
        assert tinted.mean() < 0.2  # a small block in a large picture
    untouched = ~(heat != grey).any(axis=-1)
    assert untouched.mean() > 0.8
    np.testing.assert_array_equal(change[0, 0], grey[0, 0])


def test_nothing_is_drawn_outside_the_scan(arranged):
    for logic in arranged.slices.values():  # 0 HU would be light grey in a lung window
        assert (blend(logic)[0, 0] == 0).all()


def test_rise_is_red(arranged, nodes):
    logic = arranged.slices["Yellow"]
    position = ras_of(nodes.heatmap, 15, 20, 25)
    logic.GetSliceNode().JumpSliceByOffsetting(*position)
    r, _, b = blend(logic)[pixel_of(logic, position)].astype(int)
    assert r > b + 50


def test_chunk_heatmap_draws_at_the_same_place_as_the_whole(arranged, nodes):
    logic = arranged.slices["Yellow"]
    whole = blend(logic)
    composite = logic.GetSliceCompositeNode()
    composite.SetLabelVolumeID(nodes.chunk_heatmaps[0].GetID())
    np.testing.assert_array_equal(blend(logic), whole)
    composite.SetLabelVolumeID(nodes.chunk_heatmaps[1].GetID())
    assert (blend(logic) != whole).any()


def test_unchanged_scan_shows_through_the_change_layer(arranged, nodes):
    slicer.util.arrayFromVolume(nodes.change)[:] = 0
    slicer.util.arrayFromVolumeModified(nodes.change)
    np.testing.assert_array_equal(blend(arranged.slices["Green"]), blend(arranged.slices["Red"]))


def test_focus_is_a_changed_voxel_of_the_fullest_slice(nodes):
    labels = slicer.util.arrayFromVolume(nodes.heatmap)
    labels[FALL_AT[0], 10, 20:22] = 1  # the fullest slice now
    index = np.linalg.inv(ijk_to_ras(nodes.heatmap)) @ [*find_focus(nodes.heatmap), 1.0]
    i, j, k = np.round(index[:3]).astype(int)
    assert k == FALL_AT[0]
    assert labels[k, j, i]


def test_focus_follows_the_parent_transform(scene, nodes):
    before = np.array(find_focus(nodes.heatmap))
    moved = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 30.0)
    moved.SetMatrixTransformToParent(matrix)
    nodes.heatmap.SetAndObserveTransformNodeID(moved.GetID())
    np.testing.assert_allclose(find_focus(nodes.heatmap), before + np.array([0, 0, 30]))


def test_focus_without_any_change_is_the_middle(nodes):
    slicer.util.arrayFromVolume(nodes.heatmap)[:] = 0
    middle = ras_of(nodes.heatmap, 9.5, 14.5, 19.5)
    np.testing.assert_allclose(find_focus(nodes.heatmap), middle)


def test_views_are_linked_and_others_stay_as_they_are(arranged, nodes):
    scene = arranged.scene
    other = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    other.SetLayoutName("Mine")
    show_layers(scene, nodes)
    assert other.GetBackgroundVolumeID() is None
    for logic in arranged.slices.values():
        assert logic.GetSliceCompositeNode().GetLinkedControl()


def test_thumbnail_is_an_rgb_picture_of_the_view(arranged):
    logic = arranged.slices["Yellow"]
    image = thumbnail(logic)
    assert image.GetDimensions() == (512, 512, 1)
    assert image.GetNumberOfScalarComponents() == 3
    pixels = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    np.testing.assert_array_equal(pixels.reshape(512, 512, 3)[::-1], blend(logic))
