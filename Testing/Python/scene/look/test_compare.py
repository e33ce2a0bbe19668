"""Comparing: the right volumes side by side, heatmaps on and off, slabs found in the world."""

import gc
from dataclasses import fields, replace

import numpy as np
import pytest

from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.bundle.thumbnail import blend
from CTCounterfactualLib.scene.look import compare, layouts
from CTCounterfactualLib.scene.look.jump import jump_to_change, jump_to_slab
from CTCounterfactualLib.scene.look.stage import Look, open_in_lung_window, stage
from CTCounterfactualLib.scene.look.windows import SameWindow
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.nodes import Animation
from CTCounterfactualLib.scene.make.volumes import ijk_to_ras, set_window
from CTCounterfactualLib.scene.mrml import slicer
from scene_factory import FALL_AT, add_chest, make_explanation, with_frames

SIZE = 200


@pytest.fixture
def chest():
    return with_frames(make_explanation())


@pytest.fixture
def volume(scene, chest):
    return add_chest(scene, chest)


@pytest.fixture
def results(scene, chest, volume):
    return build_nodes(scene, chest, volume, animation=True)


@pytest.fixture
def views(headless, results):
    """Slice logics by view name: of the comparison, and of the user's own Red view."""
    layout = headless.add_layouts()
    layouts.register_layouts(layout)
    standard = slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
    for number in (layouts.COMPARE_MORE, standard):  # what Slicer's layout manager does
        layout.SetViewArrangement(number)
    for name in ("Red", *layouts.SLICE_VIEWS):
        headless.add_slice_logic(headless.scene.GetSingletonNode(name, "vtkMRMLSliceNode"), SIZE)
    red = headless.slices["Red"]
    red.GetSliceCompositeNode().SetBackgroundVolumeID(results.scan.GetID())
    red.FitSliceToBackground()
    return headless.slices


@pytest.fixture
def compared(headless, results, views):
    compare.show_comparison(headless.scene, headless.application, look_at(results))
    return views


def layers(logic):
    composite = logic.GetSliceCompositeNode()
    return (
        composite.GetBackgroundVolumeID(),
        composite.GetForegroundVolumeID(),
        composite.GetLabelVolumeID(),
    )


def look_at(nodes, **what):
    return Look(nodes.scan, nodes, **what)


def distance(logic, world):
    """How far the plane of a view is from a world position, mm."""
    to_ras = slicer.util.arrayFromVTKMatrix(logic.GetSliceNode().GetSliceToRAS())
    return abs((np.array(world) - to_ras[:3, 3]) @ to_ras[:3, 2])


def test_layouts_are_parsed_and_replaced_not_doubled(headless):
    layout = headless.add_layouts()
    before = list(layout.GetLayoutIndices())
    layouts.register_layouts(layout)
    layouts.register_layouts(layout)
    assert sorted(set(layout.GetLayoutIndices()) - set(before)) == [
        layouts.COMPARE,
        layouts.COMPARE_MORE,
        *map(layouts.compare_results, range(1, layouts.MOST_RESULTS + 1)),
    ]
    assert all(map(layouts.is_comparison, set(layout.GetLayoutIndices()) - set(before)))
    assert not any(map(layouts.is_comparison, before))
    layout.SetViewArrangement(layouts.COMPARE_MORE)
    scene = headless.scene
    for name in layouts.SLICE_VIEWS:
        assert scene.GetSingletonNode(name, "vtkMRMLSliceNode").GetViewGroup() == layouts.VIEW_GROUP
    for kind in ("vtkMRMLViewNode", "vtkMRMLTableViewNode", "vtkMRMLPlotViewNode"):
        assert scene.GetSingletonNode(layouts.OTHER_VIEW, kind) is not None


def test_each_view_shows_its_part(headless, compared, results):
    assert layers(compared[layouts.SCAN_VIEW]) == (results.scan.GetID(), None, None)
    assert layers(compared[layouts.COUNTERFACTUAL_VIEW]) == (
        results.counterfactual.GetID(),
        None,
        None,
    )
    assert layers(compared[layouts.CHANGE_VIEW]) == (
        results.scan.GetID(),
        results.change.GetID(),
        None,
    )
    assert layers(compared["Red"]) == (results.scan.GetID(), None, None)
    for name in layouts.SLICE_VIEWS:
        assert compared[name].GetSliceCompositeNode().GetLinkedControl()
    layout = headless.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == layouts.COMPARE


def test_the_earlier_layout_is_given_back(headless, views, results):
    layout = headless.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    before = compare.show_comparison(
        headless.scene, headless.application, look_at(results), more=True
    )
    assert before == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
    assert layout.GetViewArrangement() == layouts.COMPARE_MORE
    scene = headless.scene
    table = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLTableViewNode")
    assert table.GetTableNodeID() == results.chunk_table.GetID()
    plot = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLPlotViewNode")
    assert plot.GetPlotChartNodeID() == results.evidence_chart.GetID()


@pytest.mark.parametrize("orientation", ["Axial", "Coronal", "Sagittal"])
def test_views_show_the_same_plane_where_most_changed(headless, views, results, orientation):
    compare.show_comparison(headless.scene, headless.application, look_at(results), orientation)
    first = views[layouts.SCAN_VIEW].GetSliceNode()
    changed = (ijk_to_ras(results.scan) @ [*FALL_AT[::-1], 1])[:3]
    for name in layouts.SLICE_VIEWS:
        node = views[name].GetSliceNode()
        assert node.GetOrientation() == orientation
        np.testing.assert_allclose(
            slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()),
            slicer.util.arrayFromVTKMatrix(first.GetSliceToRAS()),
            atol=1e-9,
        )
        assert node.GetFieldOfView() == first.GetFieldOfView()
        assert distance(views[name], changed) < 5.0
    scan, counterfactual, change = (blend(views[name]).astype(int) for name in layouts.SLICE_VIEWS)
    assert (scan != counterfactual).any()
    assert (abs(change[..., 0] - change[..., 2]) > 20).any()  # tinted
    assert (scan[..., 0] == scan[..., 2]).all()  # grey


def test_comparing_without_any_layout_says_so(headless, results):
    with pytest.raises(LookupError, match="no layout node"):
        compare.show_comparison(headless.scene, headless.application, look_at(results))


def test_heatmap_comes_and_goes_over_the_right_views(headless, compared, results):
    chunk = results.chunk_heatmaps[0]
    look = look_at(results)

    def look_with(heatmap):
        stage(headless.scene, headless.application, replace(look, heatmap=heatmap))

    look_with(chunk)
    assert layers(compared["Red"])[2] == chunk.GetID()
    assert layers(compared[layouts.SCAN_VIEW])[2] is None
    assert layers(compared[layouts.COUNTERFACTUAL_VIEW])[2] is None
    # One or the other: the legend of a layer that is there but can't be seen would stay.
    assert layers(compared[layouts.CHANGE_VIEW]) == (results.scan.GetID(), None, chunk.GetID())
    look_with(results.heatmap)
    assert layers(compared["Red"])[2] == results.heatmap.GetID()
    look_with(None)
    assert layers(compared["Red"])[2] is None
    assert layers(compared[layouts.CHANGE_VIEW])[1:] == (results.change.GetID(), None)


def test_labels_of_the_user_and_another_volume_beside_the_scan_are_left_alone(
    headless, compared, results, chest
):
    scene = headless.scene
    mine = slicer.vtkMRMLLabelMapVolumeNode()
    scene.AddNode(mine)
    red = compared["Red"].GetSliceCompositeNode()
    red.SetLabelVolumeID(mine.GetID())
    stage(scene, headless.application, look_at(results))
    assert red.GetLabelVolumeID() == mine.GetID()
    other = add_chest(scene, chest)
    red.SetBackgroundVolumeID(other.GetID())
    # The comparison is on the screen, and shows the scan.
    stage(scene, headless.application, look_at(results, heatmap=results.heatmap))
    assert layers(compared["Red"]) == (other.GetID(), None, mine.GetID())


def test_the_scan_comes_where_only_another_volume_is_seen(headless, views, results, chest):
    """Else a row click would move to black, without a heatmap and without a word."""
    other = add_chest(headless.scene, chest)
    views["Red"].GetSliceCompositeNode().SetBackgroundVolumeID(other.GetID())
    views["Red"].GetSliceNode().SetMappedInLayout(True)  # as Slicer's layout manager does
    stage(headless.scene, headless.application, look_at(results))
    assert layers(views["Red"])[0] == other.GetID()  # nothing was asked for
    stage(headless.scene, headless.application, look_at(results, heatmap=results.heatmap))
    assert layers(views["Red"]) == (results.scan.GetID(), None, results.heatmap.GetID())


def test_while_it_runs_a_chunk_lies_over_the_scan(headless, compared, results):
    chunk = results.chunk_heatmaps[1]
    look = Look(results.scan, heatmap=chunk)
    stage(headless.scene, headless.application, look)
    for name in ("Red", layouts.CHANGE_VIEW):
        assert layers(compared[name]) == (results.scan.GetID(), None, chunk.GetID())
    stage(headless.scene, headless.application, Look(results.scan))
    assert layers(compared["Red"]) == (results.scan.GetID(), None, None)


def test_opacity_reaches_the_pixels(headless, compared, results):
    logic = compared[layouts.CHANGE_VIEW]
    jump_to_change(headless.scene, results.heatmap)
    plain = blend(compared[layouts.SCAN_VIEW]).astype(int)
    for heatmap in (results.heatmap, None):
        tints = []
        for opacity in (1.0, 0.5, 0.0):
            look = look_at(results, heatmap=heatmap, opacity=opacity)
            stage(headless.scene, headless.application, look)
            tints.append(int(abs(blend(logic).astype(int) - plain).sum()))
        assert tints[0] > tints[1] > tints[2] == 0
    assert logic.GetSliceCompositeNode().GetForegroundOpacity() == 0


def test_a_ct_opens_in_a_lung_window_once(results):
    display = results.scan.GetDisplayNode()
    display.SetWindowLevel(350, 40)
    open_in_lung_window(results.scan)
    assert (display.GetWindow(), display.GetLevel()) == (1500, -500)
    display.SetWindowLevel(350, 40)
    open_in_lung_window(results.scan)  # what the user chose since stays
    assert (display.GetWindow(), display.GetLevel()) == (350, 40)


def test_animation_plays_in_the_counterfactuals_view(headless, compared, results):
    logic = compared[layouts.COUNTERFACTUAL_VIEW]
    still = blend(logic).astype(int)
    scan = blend(compared[layouts.SCAN_VIEW]).astype(int)
    stage(headless.scene, headless.application, look_at(results, played=True))
    browser = results.animation.browser
    pictures = []
    for item in range(5):
        browser.SetSelectedItemNumber(item)
        pictures.append(blend(logic).astype(int))
    # The scan is noise: where the cut-out ends, half a voxel is interpolated otherwise.
    assert (pictures[0] != scan).mean() < 0.02
    assert (pictures[4] != still).mean() < 0.02
    moved = [int(abs(picture - pictures[0]).sum()) for picture in pictures]
    assert moved == sorted(moved)
    assert len(set(moved)) == 5
    stage(headless.scene, headless.application, look_at(results))
    assert layers(logic) == (results.counterfactual.GetID(), None, None)


@pytest.mark.parametrize("orientation", ["Axial", "Coronal", "Sagittal"])
def test_jump_to_slab_follows_the_parent_transform(scene, views, results, orientation):
    turn = np.array([[0, -1, 0, 30], [1, 0, 0, -20], [0, 0, 1, 100], [0, 0, 0, 1.0]])
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turn))
    for node in (results.scan, *results.chunk_heatmaps):
        node.SetAndObserveTransformNodeID(transform.GetID())
    views["Red"].GetSliceNode().SetOrientation(orientation)
    world = jump_to_slab(scene, results.chunk_heatmaps[1])  # slab from S -120 to -90
    assert world[2] == pytest.approx(-105 + 100)
    assert distance(views["Red"], world) < 1e-6
    inside = np.linalg.inv(turn) @ [*world, 1]
    index = np.linalg.inv(ijk_to_ras(results.scan)) @ inside
    assert 20 <= index[0] <= 30  # in plane it is where that chunk's change is: I 22..28
    by_edges = jump_to_slab(scene, (-120.0, -90.0), results.scan)
    assert by_edges[2] == pytest.approx(-5)
    assert distance(views["Red"], by_edges) < 1e-6


def test_windows_follow_each_other_until_released(results):
    nodes = (results.scan, results.counterfactual, results.animation.proxy)
    same = SameWindow(nodes)

    def windows():
        return [(n.GetDisplayNode().GetWindow(), n.GetDisplayNode().GetLevel()) for n in nodes]

    set_window(results.counterfactual, 350.0, 40.0)
    assert windows() == [(350.0, 40.0)] * 3
    set_window(results.scan, 1400.0, -500.0)
    assert windows() == [(1400.0, -500.0)] * 3
    same.release()
    same.release()
    set_window(results.scan, 80.0, 40.0)
    assert windows()[1:] == [(1400.0, -500.0)] * 2


def test_closing_the_scene_frees_every_node(tmp_path, chest):
    gone = set()
    with headless_scene(tmp_path) as headless:
        nodes = build_nodes(headless.scene, chest, animation=True, surfaces=True)
        there = [getattr(nodes, field.name) for field in fields(nodes)]
        mine = [node for value in there if value is not None for node in as_tuple(value)]
        assert len(mine) >= 20
        names = [node.GetID() for node in mine]
        for node, name in zip(mine, names, strict=True):
            node.AddObserver("DeleteEvent", lambda *_, name=name: gone.add(name))
        del nodes, there, mine, node
        headless.scene.Clear(True)
        gc.collect()
        assert gone == set(names)


def as_tuple(value):
    if isinstance(value, Animation):
        return (value.sequence, value.browser, value.proxy)
    return value if isinstance(value, tuple) else () if isinstance(value, int) else (value,)
