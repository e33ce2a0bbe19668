"""Nodes while a run goes on: they grow, look like the final ones, and go without a trace."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.earlier import find_sets
from CTCounterfactualLib.scene.make.live import LiveNodes
from CTCounterfactualLib.scene.make.volumes import ijk_to_ras
from CTCounterfactualLib.scene.mrml import slicer
from scene_factory import add_chest, content


@pytest.fixture
def volume(scene, explanation):
    return add_chest(scene, explanation)


@pytest.fixture
def live(scene, volume, explanation):
    return LiveNodes(scene, volume, explanation.settings, "probability")


def event(outcome, number=1):
    """The data of the engine's `chunk` event, as it arrives from the worker."""
    return json.loads(
        json.dumps(
            {
                "number": number,
                "of": 2,
                "start": outcome.start,
                "stop": outcome.stop,
                "slab_mm": list(outcome.slab_mm),
                "lambda": outcome.lam,
                "score_before": outcome.score_before,
                "score_after": outcome.score_after,
                "stop_reason": outcome.stop_reason,
                "change": outcome.change,
                "evaluations": outcome.evaluations,
                "direction": outcome.direction,
            }
        )
    )


def files(explanation, folder):
    paths = []
    for chunk in explanation.chunk_heatmaps:
        paths.append(folder / f"chunk_{chunk.start:03d}-{chunk.stop:03d}.nrrd")
        sitk.WriteImage(chunk.image, paths[-1])
    return paths


def text(table):
    columns = range(table.GetNumberOfColumns())
    return [[table.GetCellText(row, c) for c in columns] for row in range(table.GetNumberOfRows())]


def attributes(node):
    names = [name for name in node.GetAttributeNames() if name.startswith("CTCounterfactual.")]
    return {name: node.GetAttribute(name) for name in names}


def test_nothing_is_there_before_the_first_chunk(scene, live, volume):
    before = content(scene)
    LiveNodes(scene, volume, live._settings, "L")
    assert content(scene) == before
    assert live.table is None


def test_grown_nodes_are_as_the_final_ones(scene, live, explanation, tmp_path, volume):
    paths = files(explanation, tmp_path)
    for number, (outcome, path) in enumerate(zip(explanation.chunks, paths, strict=True), 1):
        node = live.add_chunk(event(outcome, number), path)
        assert live.table.GetNumberOfRows() == number
        assert live.heatmaps[-1] is node
    table, maps = live.table, live.heatmaps
    final = build_nodes(scene, explanation, volume)
    assert table.GetName() == final.chunk_table.GetName()
    assert text(table) == text(final.chunk_table)
    for mine, theirs in zip(maps, final.chunk_heatmaps, strict=True):
        assert mine.GetName() == theirs.GetName()
        assert attributes(mine) == {**attributes(theirs), "CTCounterfactual.live": "true"}
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(mine), slicer.util.arrayFromVolume(theirs)
        )
        np.testing.assert_allclose(ijk_to_ras(mine), ijk_to_ras(theirs), atol=1e-9)
        ours, final_colors = (n.GetDisplayNode().GetColorNode() for n in (mine, theirs))
        for label in range(11):
            assert ours.GetColorName(label) == final_colors.GetColorName(label)
            color, final_color = [0.0] * 4, [0.0] * 4
            ours.GetColor(label, color)
            final_colors.GetColor(label, final_color)
            assert color == final_color


def test_row_of_a_chunk_without_heatmap(live, explanation):
    assert live.add_chunk(event(explanation.chunks[0])) is None
    assert live.table.GetNumberOfRows() == 1
    assert live.heatmaps == ()


def test_table_tells_its_views_of_a_new_row(live, explanation):
    live.add_chunk(event(explanation.chunks[0]))
    told = []
    live.table.AddObserver("ModifiedEvent", lambda *_: told.append(live.table.GetNumberOfRows()))
    live.add_chunk(event(explanation.chunks[1]))
    assert told[-1] == 2


def test_remove_leaves_the_scene_as_it_was(scene, live, explanation, tmp_path):
    before = content(scene)
    for outcome, path in zip(explanation.chunks, files(explanation, tmp_path), strict=True):
        live.add_chunk(event(outcome), path)
    live.remove()
    assert content(scene) == before
    assert live.table is None
    assert live.heatmaps == ()
    live.remove()
    assert content(scene) == before


def test_remove_after_the_user_deleted_or_closed(scene, live, explanation, tmp_path):
    paths = files(explanation, tmp_path)
    for outcome, path in zip(explanation.chunks, paths, strict=True):
        live.add_chunk(event(outcome), path)
    scene.RemoveNode(live.heatmaps[0])
    live.add_chunk(event(explanation.chunks[0]))
    scene.Clear(False)
    live.remove()
    assert scene.GetFirstNodeByClass("vtkMRMLTableNode") is None


def test_unreadable_heatmap_is_named_and_changes_nothing(scene, live, explanation, tmp_path):
    before = content(scene)
    (tmp_path / "cut.nrrd").write_bytes(b"NRRD0004\n")
    with pytest.raises(OutputError, match=r"cut\.nrrd"):
        live.add_chunk(event(explanation.chunks[0]), tmp_path / "cut.nrrd")
    assert content(scene) == before


def test_live_nodes_follow_the_scans_transform_and_are_no_result(
    scene, live, volume, explanation, tmp_path
):
    moved = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    volume.SetAndObserveTransformNodeID(moved.GetID())
    live.add_chunk(event(explanation.chunks[0]), files(explanation, tmp_path)[0])
    assert live.heatmaps[0].GetTransformNodeID() == moved.GetID()
    assert find_sets(scene, volume) == []
    assert not live.heatmaps[0].GetSaveWithScene()
    assert not live.table.GetSaveWithScene()
