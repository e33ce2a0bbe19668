"""A session on nodes with the real worker: the views follow, a result is kept, nothing stays."""
# ruff: noqa: E402 - without slicer-core there is nothing here to test

import json
import os
import time

import numpy as np
import pytest

slicer = pytest.importorskip("slicer")

from CTCounterfactualLib.errors import Cancelled, CTCounterfactualError
from CTCounterfactualLib.scans.generated import ChestSettings
from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.look.planes import planes_of, shown_planes
from CTCounterfactualSlicer.node_job import JobError
from CTCounterfactualSlicer.node_session import NodeSession
from CTCounterfactualSlicer.options import Options
from CTCounterfactualSlicer.sample_data import add_generated_chest
from CTCounterfactualSlicer.session_state import Phase

QUICK = {"maxEvaluations": 2, "frames": 0, "device": "cpu", "goal": "limit"}
# A slab of four slices, 24 mm thick.
CHEST = ChestSettings((4.0, 4.0, 6.0), (96, 84, 4), effusion_ml=300.0)
PATIENCE_S = 600.0  # for what hangs; a busy machine must never reach it
VIEW_SIZE = 100  # pixels


@pytest.fixture(scope="module")
def headless(tmp_path_factory):
    with headless_scene(tmp_path_factory.mktemp("scene")) as made:
        yield made


@pytest.fixture(scope="module")
def volume(headless):
    return add_generated_chest(headless.scene, CHEST, "CHEST")


@pytest.fixture(scope="module")
def red(headless, volume):
    """An axial view of the chest, on its slice 2."""
    view = headless.scene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    if view is None:
        view = headless.scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
        view.SetSingletonTag("Red")
        view.SetLayoutName("Red")
    view.SetMappedInLayout(1)
    view.SetOrientationToAxial()
    composite = headless.scene.GetSingletonNode("Red", "vtkMRMLSliceCompositeNode")
    if composite is None:
        composite = headless.scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", "RedComposite")
        composite.SetSingletonTag("Red")
        composite.SetLayoutName("Red")
    composite.SetBackgroundVolumeID(volume.GetID())
    look_at(view, volume, 2)
    return view, composite


def look_at(view, volume, k: float) -> None:
    """Move an axial view to a place between the volume's slices."""
    matrix = np.eye(4)
    corner = slicer.util.arrayFromVTKMatrix(ijk_to_ras(volume)) @ (48, 42, k, 1)
    matrix[:3, 3] = corner[:3]
    view.SetSliceToRAS(slicer.util.vtkMatrixFromArray(matrix)) if hasattr(
        view, "SetSliceToRAS"
    ) else view.GetSliceToRAS().DeepCopy(slicer.util.vtkMatrixFromArray(matrix))
    view.UpdateMatrices()


def ijk_to_ras(volume):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def poll_until(session, wanted) -> None:
    end = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < end
        assert session.poll() or wanted(), session.outcome
        time.sleep(0.02)


def names(scene) -> list:
    return sorted(scene.GetNthNode(n).GetName() or "" for n in range(scene.GetNumberOfNodes()))


def files(folder) -> list:
    return [path for path in folder.rglob("job-*") if path.is_dir()]


def test_the_views_follow_a_result_is_kept_and_nothing_stays(headless, volume, red, tmp_path):
    """One session from beginning to end: each costs a worker that loads PyTorch."""
    scene, (view, composite) = headless.scene, red
    before = names(scene)
    events, kept, ended = [], [], []
    session = NodeSession(
        scene,
        volume,
        Options.from_keywords(**QUICK),
        cacheRoot=tmp_path,
        onEvent=events.append,
        onKept=kept.append,
        onEnded=ended.append,
    )
    session.start().until_ready()
    assert session.phase is Phase.READY
    assert session.ready["memory_mb"] > 0
    assert "without use" in events[-1].message
    live = session.liveNode
    assert composite.GetBackgroundVolumeID() == live.GetID()
    assert not live.GetSaveWithScene()
    scan = slicer.util.arrayFromVolume(volume)
    assert np.array_equal(slicer.util.arrayFromVolume(live), scan)
    assert shown_planes(scene, live) == [(0, 2)]

    lam = session.ready["limit"]["lam"]
    point = session.at(lam)
    assert point.score < session.ready["score"]
    assert 0 < point.change_percent < 100
    assert (slicer.util.arrayFromVolume(live)[2] != scan[2]).any()
    look_at(view, live, 1)
    poll_until(
        session,
        lambda: any(e.step == "plane" and e.data["number"] == 1 for e in events),
    )
    poll_until(session, lambda: any(e.step == "settled" for e in events))

    result = session.keep()
    assert kept == [result]
    assert result.explanation.whole.lam == lam
    assert result.explanation.whole.stop_reason == "chosen by hand"
    written = slicer.util.arrayFromVolume(result.counterfactualNode)
    assert np.array_equal(slicer.util.arrayFromVolume(live), written)
    record = json.loads((result.folder / "result.json").read_text())
    assert record["input"]["path"] == str(result.workplace.input)

    with pytest.raises(CTCounterfactualError, match="a number is expected"):
        session.at(float("nan"))
    pid = session._process.pid
    session._process.stdin.close()  # as the system does when Slicer has died
    poll_until(session, lambda: session.finished)
    assert (session.outcome.kind, session.outcome.message) == ("done", "The session has ended.")
    assert ended == [session]
    assert session.liveNode is None
    assert composite.GetBackgroundVolumeID() == volume.GetID()
    assert not os.path.exists(f"/proc/{pid}") or os.name == "nt"
    assert files(tmp_path) == [result.workplace.folder]
    result.release()
    assert files(tmp_path) == []
    with pytest.raises(Cancelled, match="ended"):
        session.at(lam)
    for node in [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]:
        if node.GetAttribute("CTCounterfactual.role"):
            scene.RemoveNode(node)
    assert "CHEST live counterfactual" not in names(scene)
    assert set(before) <= set(names(scene))


def test_what_is_wrong_with_the_input_is_said_and_nothing_stays(headless, tmp_path):
    with pytest.raises(JobError, match="No volume"):
        NodeSession(
            headless.scene, None, Options.from_keywords(**QUICK), cacheRoot=tmp_path
        ).start().until_ready()
    assert files(tmp_path) == []


def test_a_view_between_layers_shows_both_and_a_tilted_one_none(headless, volume, red):
    view, _ = red
    look_at(view, volume, 1.5)
    assert planes_of(view, volume) == [(0, 1), (0, 2)]
    look_at(view, volume, 9)
    assert planes_of(view, volume) == []
    view.SetOrientationToCoronal()
    ((axis, _),) = planes_of(view, volume)[:1]
    assert axis == 1
    view.SetOrientationToSagittal()
    ((axis, _),) = planes_of(view, volume)[:1]
    assert axis == 2
    turned = np.eye(4)
    turned[:3, :3] = [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]
    view.GetSliceToRAS().DeepCopy(slicer.util.vtkMatrixFromArray(turned))
    assert planes_of(view, volume) == []
