"""Where nodes are found, what they refer to and what they say about themselves."""

import json
from dataclasses import replace

from CTCounterfactualLib.counterfactual.result import DISCLAIMER
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.volumes import add_scan


def children(scene, folder):
    hierarchy = scene.GetSubjectHierarchyNode()
    items = []
    hierarchy.GetItemChildren(folder, items)
    return {hierarchy.GetItemName(item): item for item in items}


def test_folder_holds_the_results_and_two_folders(scene, nodes):
    inside = children(scene, nodes.folder)
    assert list(inside) == [
        "CHEST counterfactual",
        "CHEST change (HU)",
        "CHEST heatmap",
        "CHEST scores",
        "CHEST whole search",
        "CHEST chunks",
        "CHEST score along lambda",
        "CHEST evidence",
        "Heatmaps by slices",
        "Plot data",
    ]
    assert list(children(scene, inside["Heatmaps by slices"])) == [
        "CHEST heatmap slices 000-010",
        "CHEST heatmap slices 010-020",
    ]
    assert len(children(scene, inside["Plot data"])) == 3 + 4  # tables, and series of both charts
    hierarchy = scene.GetSubjectHierarchyNode()
    assert hierarchy.GetItemAttribute(nodes.folder, "CTCounterfactual.description") == DISCLAIMER


def test_folder_lies_beside_the_input(scene, explanation):
    hierarchy = scene.GetSubjectHierarchyNode()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    mine = add_scan(scene, explanation.scan, "CT")
    item = hierarchy.CreateItem(study, mine)
    nodes = build_nodes(scene, explanation, mine)
    assert hierarchy.GetItemParent(nodes.folder) == study
    assert hierarchy.GetItemParent(item) == study
    assert hierarchy.GetItemByDataNode(mine) == item


def test_items_that_slicer_made_by_itself_are_moved_not_doubled(scene, explanation):
    hierarchy = scene.GetSubjectHierarchyNode()
    added = []

    def give_item(caller, event):  # what Slicer's plug-ins do for each new node
        for n in range(scene.GetNumberOfNodes()):
            node = scene.GetNthNode(n)
            if node.IsA("vtkMRMLVolumeNode") and not hierarchy.GetItemByDataNode(node):
                added.append(hierarchy.CreateItem(hierarchy.GetSceneItemID(), node))

    tag = scene.AddObserver(scene.NodeAddedEvent, give_item)
    nodes = build_nodes(scene, explanation)
    scene.RemoveObserver(tag)
    assert hierarchy.GetItemByDataNode(nodes.counterfactual) in added
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(nodes.heatmap)) == nodes.folder
    assert list(children(scene, hierarchy.GetSceneItemID())) == ["CHEST", "CHEST explanation"]


def test_outputs_refer_to_the_input_and_to_each_other(nodes):
    for node in (
        nodes.change,
        nodes.heatmap,
        *nodes.chunk_heatmaps,
        nodes.score_table,
        nodes.chunk_table,
        nodes.path_chart,
        *nodes.plot_series,
    ):
        assert node.GetNodeReference("CTCounterfactual.inputVolume") is nodes.scan
        reference = node.GetNodeReference("CTCounterfactual.counterfactualVolume")
        assert reference is nodes.counterfactual
    assert nodes.counterfactual.GetNodeReference("CTCounterfactual.inputVolume") is nodes.scan


def test_every_result_says_the_disclaimer_first(nodes):
    for node in (
        nodes.scan,
        nodes.counterfactual,
        nodes.change,
        nodes.heatmap,
        *nodes.chunk_heatmaps,
        nodes.score_table,
        nodes.whole_table,
        nodes.chunk_table,
        nodes.path_chart,
        nodes.evidence_chart,
    ):
        assert node.GetDescription().startswith("Model behaviour, not a diagnosis. ")
    assert 'Warning: Score "moved" little' in nodes.counterfactual.GetDescription()


def test_chunks_know_their_slab(nodes):
    chunk = nodes.chunk_heatmaps[1]
    values = {
        name: chunk.GetAttribute("CTCounterfactual." + name)
        for name in (
            "role",
            "start",
            "stop",
            "slabLow",
            "slabHigh",
            "lambda",
            "stopReason",
        )
    }
    assert values == {
        "role": "chunkHeatmap",
        "start": "10",
        "stop": "20",
        "slabLow": "-120.0",
        "slabHigh": "-90.0",
        "lambda": "-40.0",
        "stopReason": "flat",
    }


def test_counterfactual_tells_how_it_was_made(nodes, explanation):
    def value(name):
        return nodes.counterfactual.GetAttribute("CTCounterfactual." + name)

    assert value("classifier") == "toy-net"
    assert value("classifierSHA256") == "c1" * 32
    assert value("scanSHA256") == "ab" * 32
    assert json.loads(value("settings")) == explanation.settings.to_dict()
    assert json.loads(value("scores"))["counterfactual"] == 0.25
    assert json.loads(value("flags"))[0]["name"] == "weak"
    names = nodes.counterfactual.GetAttributeNames()
    assert not any("/private" in nodes.counterfactual.GetAttribute(name) for name in names)


def test_name_with_odd_characters_is_kept(scene, explanation):
    odd = replace(explanation, scan=replace(explanation.scan, name="Müller; a:b/c"))
    assert build_nodes(scene, odd).heatmap.GetName() == "Müller; a:b/c heatmap"
