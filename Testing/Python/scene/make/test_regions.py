"""The region of a run in the scene: there, named with its mL, found again, removed with its set."""

from dataclasses import replace

import numpy as np
import pytest

from CTCounterfactualLib.counterfactual.region_search import RegionSearch
from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.bundle.write import write_scene
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.earlier import find_sets, remove_set, result_nodes
from CTCounterfactualLib.scene.mrml import slicer
from scene_factory import add_chest, content


@pytest.fixture
def mask(explanation):
    found = np.zeros(explanation.difference.shape, np.uint8)
    found[2:6, 5:15, 5:20] = 1
    return found


@pytest.fixture
def restricted(explanation, mask):
    search = RegionSearch(explanation.scan.with_array(mask), ml=12.34)
    return replace(explanation, region_name="left lung", region_search=search)


def test_the_region_is_a_label_map_where_the_scan_is(scene, restricted, mask):
    nodes = build_nodes(scene, restricted)
    assert np.array_equal(slicer.util.arrayFromVolume(nodes.region), mask)
    assert nodes.region.GetName() == "CHEST region"
    colors = nodes.region.GetDisplayNode().GetColorNode()
    assert colors.GetColorName(1) == "region, 12.3 mL" and colors in nodes.colors


def test_a_result_without_its_region_has_no_such_node(nodes):
    assert nodes.region is None and len(nodes.colors) == 3


def test_it_is_found_again_in_a_saved_scene_and_removed_with_the_set(
    tmp_path, scene, restricted, mask
):
    write_scene(restricted, tmp_path / "scene.mrb")
    with headless_scene(tmp_path) as opened:
        opened.scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
        main = opened.scene.GetFirstNodeByName("CHEST counterfactual")
        again = result_nodes(opened.scene, main)
        assert np.array_equal(slicer.util.arrayFromVolume(again.region), mask)
        assert len(again.colors) == 4  # the region's, too
    volume = add_chest(scene, restricted)
    before = content(scene)
    build_nodes(scene, restricted, volume)
    remove_set(scene, find_sets(scene, volume)[0])
    assert content(scene) == before


def test_of_another_modality_nothing_says_hu(scene, explanation):
    scan = replace(explanation.scan, modality="MR", name="HEAD")
    nodes = build_nodes(scene, replace(explanation, scan=scan), surfaces=True)
    assert nodes.change.GetName() == "HEAD change (MR units)"
    said = [nodes.change.GetDescription(), nodes.heatmap.GetDescription()]
    said += [surface.GetDescription() for surface in nodes.surfaces]
    assert all("MR units" in text and "HU" not in text for text in said)
    for node in (nodes.scan, nodes.counterfactual, nodes.change):
        assert node.GetVoxelValueUnits() is None
    # 1st to 99.5th percent of noise from -1000 to 300: no lung window.
    display = nodes.scan.GetDisplayNode()
    assert display.GetWindow() == pytest.approx(1280, abs=15)
    assert display.GetLevel() == pytest.approx(-347, abs=15)
    assert nodes.counterfactual.GetDisplayNode().GetWindow() == display.GetWindow()
