"""Methods' maps as nodes: values and colours with a sign, parts, tables, and one set of several."""

import json
from dataclasses import replace

import numpy as np
import pytest

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.scene.make import provenance, roles, volumes
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.earlier import find_sets, remove_set, result_nodes
from CTCounterfactualLib.scene.make.maps import build_map
from CTCounterfactualLib.scene.mrml import slicer
from map_factory import TOP, make_map
from scene_factory import FALL_AT, RISE_AT, SPACING, add_chest, content


@pytest.fixture
def attribution():
    return make_map()


@pytest.fixture
def mapped(scene, attribution):
    return build_map(scene, attribution)


def voxels(node):
    return slicer.util.arrayFromVolume(node)


def shown_rgba(node, value: float):
    """The colour that a display of this window and colour table gives to a value."""
    display = node.GetDisplayNode()
    low = display.GetLevel() - display.GetWindow() / 2
    share = np.clip((value - low) / display.GetWindow(), 0, 1)
    table = display.GetColorNode()
    color = [0.0] * 4
    table.GetColor(round(share * (table.GetNumberOfColors() - 1)), color)
    return color


def cells(node) -> list[list[str]]:
    table = node.GetTable()
    return [
        [table.GetValue(row, column).ToString() for column in range(table.GetNumberOfColumns())]
        for row in range(table.GetNumberOfRows())
    ]


def test_values_labels_and_parts_lie_on_the_scans_own_grid(mapped, attribution):
    np.testing.assert_array_equal(voxels(mapped.map), attribution.values)
    np.testing.assert_array_equal(voxels(mapped.heatmap), attribution.heatmap)
    (part,) = mapped.parts
    np.testing.assert_array_equal(voxels(part), attribution.parts["sufficient"])
    for node in (mapped.map, mapped.heatmap, part):
        np.testing.assert_allclose(
            volumes.ijk_to_ras(node), attribution.scan.ijk_to_ras(), atol=1e-9
        )
    assert voxels(mapped.map).dtype == np.float32
    assert mapped.map.GetVoxelValueUnits() is None  # no HU: it isn't taken for a CT


def test_red_speaks_for_the_score_blue_against_and_weak_values_are_clear(mapped):
    red, blue = (shown_rgba(mapped.map, value) for value in (TOP, -TOP / 2))
    assert red[0] > 0.9 > red[2] and red[3] == 1
    assert blue[2] > blue[0] and blue[3] == 1
    assert shown_rgba(mapped.map, 0.0)[3] == 0
    assert shown_rgba(mapped.map, TOP / 20)[3] == 0  # less than a tenth of the strongest
    assert shown_rgba(mapped.map, TOP / 5)[3] == 1


def test_the_labels_say_how_strong_and_which_way(mapped):
    table = mapped.heatmap.GetDisplayNode().GetColorNode()
    labels = voxels(mapped.heatmap)
    assert table.GetColorName(int(labels[RISE_AT])) == "for the score, > 90% of the strongest"
    against = table.GetColorName(int(labels[FALL_AT]))
    assert against == "against the score, 50%-75% of the strongest"


def test_the_legend_says_what_the_sign_means(scene, mapped):
    count = scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode")
    legends = [scene.GetNthNodeByClass(n, "vtkMRMLColorLegendDisplayNode") for n in range(count)]
    of_map = [one for one in legends if one.GetPrimaryDisplayNode() is mapped.map.GetDisplayNode()]
    assert [one.GetTitleText() for one in of_map] == [
        "responsibility\nred: for the score\nblue: against it"
    ]


def test_a_part_is_named_for_what_it_is_and_its_volume(mapped):
    (part,) = mapped.parts
    table = part.GetDisplayNode().GetColorNode()
    ml = 27 * np.prod(SPACING) / 1000
    assert table.GetColorName(1) == f"sufficient, {ml:.3g} mL"
    assert part.GetName() == "CHEST responsibility sufficient"


def test_tables_hold_the_numbers_and_the_explanations(mapped):
    assert cells(mapped.score_table) == [
        ["score of effusion", "0.9", "logit"],
        ["calls", "140", ""],
        ["occlusion", "air", ""],
    ]
    assert cells(mapped.part_table) == [
        ["sufficient", "0.04", "0.03, 0.01", "0.8"],
        ["complete", "1.5", "1.5", "0.9"],
    ]
    assert mapped.part_table.GetColumnUnitLabel("volume") == "mL"


def test_the_map_tells_how_it_was_made_and_names_no_path(mapped):
    node = mapped.map
    assert provenance.get_attribute(node, "method") == "responsibility"
    assert json.loads(provenance.get_attribute(node, "options")) == {"depth": 3}
    assert "positive: it keeps the answer" in node.GetDescription()
    assert "Warning: Oddly made." in node.GetDescription()
    kept = [node.GetAttribute(name) for name in node.GetAttributeNames()]
    assert not any("/private" in value for value in kept)


def test_a_counterfactual_and_two_maps_of_one_scan_are_told_apart(scene, explanation, attribution):
    volume = add_chest(scene, explanation)
    build_nodes(scene, explanation, volume)
    before = content(scene)
    first = build_map(scene, attribution, volume)
    second = build_map(scene, make_map("occlusion"), volume)
    sets = find_sets(scene, volume)
    assert [found.method for found in sets] == ["latent-shift", "responsibility", "occlusion"]
    assert result_nodes(scene, first.map) == first
    assert result_nodes(scene, second.map).main.GetName() == "CHEST occlusion map"
    for found in sets[1:]:
        remove_set(scene, found)
    assert content(scene) == before


def test_a_second_map_by_the_same_method_is_numbered(scene, attribution):
    build_map(scene, attribution)
    assert build_map(scene, attribution).map.GetName() == "CHEST responsibility map (2)"


def test_an_incomplete_map_is_told(scene, mapped):
    scene.RemoveNode(mapped.heatmap)
    with pytest.raises(LookupError, match="the node 'heatmap' was deleted"):
        result_nodes(scene, mapped.map)


def test_another_scan_is_refused_and_nothing_is_left(scene, attribution, explanation):
    other = Scan.from_array(np.zeros((4, 5, 6), np.int16), (1.0, 1.0, 1.0))
    volume = volumes.add_scan(scene, other, "OTHER")
    before = content(scene)
    with pytest.raises(ScanError, match="'OTHER' has 6 x 5 x 4 voxels"):
        build_map(scene, attribution, volume)
    assert content(scene) == before


def test_an_empty_map_shows_nothing(scene, attribution):
    nothing = np.zeros_like(attribution.values)
    empty = replace(
        attribution, values=nothing, heatmap=nothing.astype(np.uint8), parts={}, facts={}
    )
    made = build_map(scene, empty)
    assert shown_rgba(made.map, 0.0)[3] == 0
    assert (made.parts, made.part_table) == ((), None)
    assert provenance.get_attribute(made.map, provenance.ROLE) == roles.MAP
