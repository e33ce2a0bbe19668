"""Earlier explanations: found whole, told apart, removed whole, and nothing else with them."""

from dataclasses import fields, replace

import pytest

from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.bundle.write import write_scene
from CTCounterfactualLib.scene.make import hierarchy
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.earlier import find_sets, remove_set, result_nodes
from scene_factory import add_chest, content


@pytest.fixture
def volume(scene, explanation):
    return add_chest(scene, explanation)


def ids(value):
    """The identifiers behind a field of SceneNodes."""
    if value is None or isinstance(value, int):
        return value
    return [node.GetID() for node in value] if isinstance(value, tuple) else value.GetID()


def test_no_set_in_a_scene_without_results(scene, volume):
    assert find_sets(scene, volume) == []


def test_two_sets_are_told_apart_and_removed_apart(scene, explanation, volume):
    empty = content(scene)
    build_nodes(scene, explanation, volume)
    with_first = content(scene)
    second = build_nodes(scene, explanation, volume)
    sets = find_sets(scene, volume)
    assert [found.name for found in sets] == ["CHEST explanation", "CHEST explanation (2)"]
    assert sets[1].main is second.counterfactual
    remove_set(scene, sets[1])
    assert content(scene) == with_first
    remove_set(scene, sets[0])
    assert content(scene) == empty


def test_sets_of_another_volume_are_left_alone(scene, explanation, volume):
    theirs = replace(explanation, scan=replace(explanation.scan, name="OTHER"))
    other = add_chest(scene, theirs)
    build_nodes(scene, theirs, other)
    assert find_sets(scene, volume) == []
    assert len(find_sets(scene, other)) == 1


def test_removing_keeps_what_the_user_put_into_the_folder(scene, explanation, volume):
    nodes = build_nodes(scene, explanation, volume)
    note = scene.AddNewNodeByClass("vtkMRMLTableNode", "my notes")
    hierarchy.place(scene, [note], nodes.folder)
    remove_set(scene, find_sets(scene, volume)[0])
    assert scene.GetFirstNodeByName("my notes") is note
    items = scene.GetSubjectHierarchyNode()
    assert items.GetItemParent(items.GetItemByDataNode(note)) == nodes.folder
    assert len(hierarchy.all_items(scene)) == 3  # scan, folder, note


def test_renamed_and_moved_nodes_are_still_found(scene, explanation, volume):
    empty = content(scene)
    nodes = build_nodes(scene, explanation, volume)
    nodes.counterfactual.SetName("renamed")
    items = scene.GetSubjectHierarchyNode()
    items.SetItemParent(items.GetItemByDataNode(nodes.change), items.GetSceneItemID())
    remove_set(scene, find_sets(scene, volume)[0])
    assert content(scene) == empty


def test_rest_of_a_set_whose_counterfactual_was_deleted(scene, explanation, volume):
    empty = content(scene)
    nodes = build_nodes(scene, explanation, volume)
    scene.RemoveNode(nodes.counterfactual.GetDisplayNode())
    hierarchy.remove_items(scene, [hierarchy.item_of(scene, nodes.counterfactual)])
    scene.RemoveNode(nodes.counterfactual)
    (rest,) = find_sets(scene, volume)
    assert rest.main is None
    remove_set(scene, rest)
    assert content(scene) == empty


def test_result_nodes_gives_back_what_build_made(scene, explanation, volume):
    build_nodes(scene, explanation, volume)
    made = build_nodes(scene, explanation, volume)
    found = result_nodes(scene, made.counterfactual)
    for field in fields(made):
        assert ids(getattr(found, field.name)) == ids(getattr(made, field.name)), field.name


def test_result_nodes_in_a_scene_opened_again(explanation, tmp_path):
    path = write_scene(explanation, tmp_path / "scene.mrb")
    with headless_scene(tmp_path) as headless:
        scene = headless.scene
        assert headless.scene.ReadFromMRB(str(path))
        found = result_nodes(scene, scene.GetFirstNodeByName("CHEST counterfactual"))
        assert found.scan.GetName() == "CHEST"
        assert [node.GetName() for node in found.chunk_heatmaps] == [
            "CHEST heatmap slices 000-010",
            "CHEST heatmap slices 010-020",
        ]
        assert found.chunk_table.GetNumberOfRows() == 2
        assert [node.GetName() for node in found.colors] == [
            "CHEST heatmap colors",
            "CHEST change colors",
            "CHEST heatmap colors (legend)",
        ]
        assert (len(found.path_tables), len(found.plot_series)) == (3, 4)
        remove_set(scene, find_sets(scene, found.scan)[0])
        assert find_sets(scene, found.scan) == []
        assert scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 1
        assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0


def test_result_nodes_says_what_is_missing(scene, nodes):
    with pytest.raises(LookupError, match="'CHEST' is not the counterfactual"):
        result_nodes(scene, nodes.scan)
    scene.RemoveNode(nodes.change)
    with pytest.raises(LookupError, match="'CHEST explanation' the node 'change' was deleted"):
        result_nodes(scene, nodes.counterfactual)


def test_result_nodes_of_what_belongs_to_no_finished_explanation(scene, nodes):
    with pytest.raises(LookupError, match="'CHEST counterfactual' belongs to no finished expl"):
        result_nodes(scene.NewInstance(), nodes.counterfactual)


def test_a_failed_build_leaves_neither_nodes_nor_folders(scene, explanation, volume, monkeypatch):
    before = content(scene)

    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(hierarchy, "add_subfolder", fail)
    with pytest.raises(MemoryError):
        build_nodes(scene, explanation, volume)
    assert content(scene) == before
