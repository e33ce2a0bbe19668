"""The change played: every step at its place, in the scan's window, and gone with its set."""

import json
from dataclasses import replace

import numpy as np
import pytest

from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.earlier import find_sets, remove_set, result_nodes
from CTCounterfactualLib.scene.make.sequences import add_animation, memory_mb
from CTCounterfactualLib.scene.make.volumes import ijk_to_ras, set_window
from CTCounterfactualLib.scene.mrml import slicer
from scene_factory import FALL_AT, FALL_HU, add_chest, content, make_explanation, with_frames

BOX = (slice(2, 18), slice(5, 25), slice(7, 30))


@pytest.fixture(params=[False, True], ids=["right-handed", "left-handed"])
def chest(request):
    return with_frames(make_explanation(flipped=request.param))


def shown(animation, item):
    animation.browser.SetSelectedItemNumber(item)
    return slicer.util.arrayFromVolume(animation.proxy).copy()


def test_steps_go_from_the_scan_to_the_counterfactual(scene, chest):
    animation = add_animation(scene, chest, build_nodes(scene, chest)).animation
    sequence = animation.sequence
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 3 + 3 + 1
    assert animation.browser.GetMasterSequenceNode() is sequence
    assert animation.browser.GetProxyNode(sequence) is animation.proxy
    assert [sequence.GetNthIndexValue(n) for n in range(5)] == ["0", "25", "50", "75", "100"]
    assert (sequence.GetIndexName(), sequence.GetIndexUnit()) == ("lambda", "%")
    assert animation.browser.GetSelectedItemNumber() == 4  # the counterfactual is shown first
    np.testing.assert_array_equal(shown(animation, 4), chest.counterfactual[BOX])
    np.testing.assert_array_equal(shown(animation, 0), chest.scan.array[BOX])
    k, j, i = FALL_AT
    change = [
        int(shown(animation, n)[k - 2, j - 5, i - 7]) - int(chest.scan.array[FALL_AT])
        for n in range(5)
    ]
    assert change == [0, FALL_HU // 4, FALL_HU // 2, 3 * FALL_HU // 4, FALL_HU]
    scores = json.loads(sequence.GetAttribute("CTCounterfactual.stepScores"))
    assert scores == pytest.approx([0.9, 0.7375, 0.575, 0.4125, 0.25])


def test_steps_lie_where_the_scan_does(scene, chest):
    nodes = build_nodes(scene, chest)
    proxy = add_animation(scene, chest, nodes).animation.proxy
    corner = ijk_to_ras(proxy) @ [0, 0, 0, 1]
    np.testing.assert_allclose(corner, ijk_to_ras(nodes.scan) @ [7, 5, 2, 1], atol=1e-6)
    np.testing.assert_allclose(ijk_to_ras(proxy)[:3, :3], ijk_to_ras(nodes.scan)[:3, :3], atol=1e-9)


def test_coarser_frames_get_a_coarser_scan_and_counterfactual(scene, explanation):
    coarse = with_frames(explanation, count=1, step=2)
    nodes = build_nodes(scene, coarse)
    animation = add_animation(scene, coarse, nodes).animation
    k, j, i = BOX
    every_other = (k, slice(j.start, j.stop, 2), slice(i.start, i.stop, 2))
    np.testing.assert_array_equal(shown(animation, 0), coarse.scan.array[every_other])
    np.testing.assert_array_equal(shown(animation, 2), coarse.counterfactual[every_other])
    np.testing.assert_allclose(
        ijk_to_ras(animation.proxy) @ [3, 2, 1, 1],
        ijk_to_ras(nodes.scan) @ [13, 9, 3, 1],
        atol=1e-6,
    )


def test_window_and_transform_are_the_scans(scene, chest):
    volume = add_chest(scene, chest)
    set_window(volume, 400.0, 40.0)
    moved = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    volume.SetAndObserveTransformNodeID(moved.GetID())
    animation = add_animation(scene, chest, build_nodes(scene, chest, volume)).animation
    for item in range(5):
        shown(animation, item)
        display = animation.proxy.GetDisplayNode()
        assert (display.GetWindow(), display.GetLevel()) == (400.0, 40.0)
        assert animation.proxy.GetTransformNodeID() == moved.GetID()
        assert animation.proxy.GetName() == "CHEST change playing"


def test_memory_is_said_beforehand(explanation):
    assert memory_mb(explanation) == 0
    voxels = 16 * 20 * 23
    assert memory_mb(with_frames(explanation)) == pytest.approx(2e-6 * voxels * (3 + 3))


def test_removed_with_its_set(scene, chest):
    volume = add_chest(scene, chest)
    empty = content(scene)
    add_animation(scene, chest, build_nodes(scene, chest, volume))
    remove_set(scene, find_sets(scene, volume)[0])
    assert content(scene) == empty


def test_found_again_and_playable_in_a_saved_scene(chest, tmp_path):
    path = tmp_path / "scene.mrb"
    with headless_scene(tmp_path) as headless:
        scene = headless.scene
        add_animation(scene, chest, build_nodes(scene, chest))
        assert scene.WriteToMRB(str(path))
    with headless_scene(tmp_path) as headless:
        scene = headless.scene
        assert scene.ReadFromMRB(str(path))
        found = result_nodes(scene, scene.GetFirstNodeByName("CHEST counterfactual")).animation
        assert found.sequence.GetNumberOfDataNodes() == 5
        # Slicer reads left-handed volumes with K reversed: compare what doesn't depend on it.
        np.testing.assert_array_equal(
            np.sort(shown(found, 0), axis=None), np.sort(chest.scan.array[BOX], axis=None)
        )
        np.testing.assert_array_equal(
            np.sort(shown(found, 4), axis=None), np.sort(chest.counterfactual[BOX], axis=None)
        )


def test_second_set_gets_names_of_its_own(scene, chest):
    volume = add_chest(scene, chest)
    for _ in range(2):
        nodes = add_animation(scene, chest, build_nodes(scene, chest, volume))
    assert nodes.animation.proxy.GetName() == "CHEST change playing (2)"


def test_without_frames_or_with_anothers_nothing_is_added(scene, explanation, chest):
    nodes = build_nodes(scene, explanation)
    before = content(scene)
    with pytest.raises(OutputError, match="nothing to play"):
        add_animation(scene, explanation, nodes)
    shifted = [replace(frame, image=frame.image[:, :, :]) for frame in chest.frames]
    for frame in shifted:
        frame.image.SetOrigin([value + 0.3 for value in frame.image.GetOrigin()])
    with pytest.raises(OutputError, match="don't lie on the grid of 'CHEST'"):
        add_animation(scene, replace(chest, frames=tuple(shifted)), nodes)
    assert content(scene) == before
