"""Several results of one scan in one view, and the pictures of a map, checked on the pixels."""

import numpy as np
import pytest

from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.bundle.thumbnail import blend
from CTCounterfactualLib.scene.bundle.write import write_scene
from CTCounterfactualLib.scene.look import compare, layouts
from CTCounterfactualLib.scene.look.stage import Look
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.earlier import find_sets, result_nodes
from CTCounterfactualLib.scene.make.maps import build_map
from map_factory import make_map
from scene_factory import add_chest

SIZE = 200
VIEWS = (layouts.SCAN_VIEW, *layouts.RESULT_VIEWS[:2])


@pytest.fixture
def volume(scene, explanation):
    return add_chest(scene, explanation)


@pytest.fixture
def results(scene, explanation, volume):
    return build_nodes(scene, explanation, volume), build_map(scene, make_map(), volume)


@pytest.fixture
def logics(headless, results):
    """Slice logics of the scan's view, of two results', and of the three of one result."""
    layout = headless.add_layouts()
    layouts.register_layouts(layout)
    many = layouts.compare_results(layouts.MOST_RESULTS)
    for number in (many, layouts.compare_results(2), layouts.COMPARE):
        layout.SetViewArrangement(number)
    for name in (*VIEWS, layouts.RESULT_VIEWS[-1], *layouts.SLICE_VIEWS[1:]):
        headless.add_slice_logic(headless.scene.GetSingletonNode(name, "vtkMRMLSliceNode"), SIZE)
    return headless.slices


def tint(logic) -> np.ndarray:
    """How much more red than blue a view's pixels are, signed."""
    pixels = blend(logic).astype(int)
    return pixels[..., 0] - pixels[..., 2]


def look_at(*results) -> Look:
    return Look(results[0].scan, results[0], results=results)


def title(scene, view: str) -> str:
    return scene.GetSingletonNode(view, "vtkMRMLSliceNode").GetLayoutLabel()


def test_a_counterfactual_beside_a_map_over_the_same_scan(headless, results, logics):
    scene = headless.scene
    compare.show_results(scene, headless.application, look_at(*results))
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == layouts.compare_results(2)
    assert [title(scene, view) for view in VIEWS] == ["Scan", "latent-shift (HU)", "responsibility"]
    scan, change, mapped = (tint(logics[view]) for view in VIEWS)
    assert not scan.any()
    # At the fall the change is blue; there the map speaks against the score, in fewer voxels.
    assert (change < -40).sum() > (mapped < -20).sum() > 0
    assert not (change > 20).any() and not (mapped > 20).any()
    planes = [logics[view].GetSliceNode().GetSliceOffset() for view in VIEWS]
    assert planes == pytest.approx([planes[0]] * 3)


def test_more_results_than_views_shows_the_last_and_none_says_so(headless, results, logics):
    scene = headless.scene
    many = [results[0]] * layouts.MOST_RESULTS + [results[1]]
    compare.show_results(scene, headless.application, look_at(*many))
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == layouts.compare_results(layouts.MOST_RESULTS)
    assert title(scene, layouts.RESULT_VIEWS[-1]) == "responsibility"
    with pytest.raises(LookupError, match="no result to compare"):
        compare.show_results(scene, headless.application, Look(results[0].scan))


def test_one_map_is_compared_with_its_part_and_titles_follow(headless, results, logics):
    scene = headless.scene
    compare.show_comparison(scene, headless.application, look_at(results[0]))
    assert title(scene, layouts.COUNTERFACTUAL_VIEW) == "CF"
    compare.show_comparison(scene, headless.application, look_at(results[1]))
    assert title(scene, layouts.COUNTERFACTUAL_VIEW) == "sufficient"
    assert title(scene, layouts.CHANGE_VIEW) == "responsibility"
    part = blend(logics[layouts.COUNTERFACTUAL_VIEW]).astype(int)
    greenish = (part[..., 1] - part[..., 0] > 30).sum()
    assert greenish > 0
    assert (tint(logics[layouts.CHANGE_VIEW]) != 0).any()


def test_legends_are_told_that_layers_changed(headless, results, logics):
    compare.show_comparison(headless.scene, headless.application, look_at(results[1]))
    for view in layouts.SLICE_VIEWS:
        composite = logics[view].GetSliceCompositeNode()
        wanted = composite.ForegroundVolumeFlag | composite.LabelVolumeFlag
        assert composite.GetInteractionFlags() & wanted == wanted


def test_a_written_scene_of_a_map_opens_with_its_colours_and_its_set(tmp_path, headless):
    path = write_scene(make_map(), tmp_path / "scene.mrb")
    with headless_scene(tmp_path) as opened:
        assert opened.scene.ReadFromMRB(str(path), True, None)
        scan = opened.scene.GetFirstNodeByName("CHEST")
        (found,) = find_sets(opened.scene, scan)
        nodes = result_nodes(opened.scene, found.main)
        assert found.method == "responsibility"
        assert [part.GetName() for part in nodes.parts] == ["CHEST responsibility sufficient"]
        display = nodes.map.GetDisplayNode()
        assert display.GetColorNode().GetNumberOfColors() == 256
        assert (display.GetWindow(), display.GetLevel()) == (16.0, 0.0)
        assert nodes.part_table.GetNumberOfRows() == 2
