"""Jobs on nodes with the real worker: results, failures in words, and nothing left behind."""
# ruff: noqa: E402 - without slicer-core there is nothing here to test

import os
import signal
import time

import numpy as np
import pytest

slicer = pytest.importorskip("slicer")

from CTCounterfactualLib.errors import Cancelled
from CTCounterfactualLib.scans.generated import ChestSettings
from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.make import provenance, roles, volumes
from CTCounterfactualLib.scene.make.earlier import find_sets
from CTCounterfactualSlicer import packages
from CTCounterfactualSlicer.node_job import JobError, NodeJob
from CTCounterfactualSlicer.options import Options
from CTCounterfactualSlicer.packages import Package
from CTCounterfactualSlicer.sample_data import add_generated_chest
from CTCounterfactualSlicer.state import State

SMALL = {"chunkSize": 4, "maxEvaluations": 2, "frames": 0, "device": "cpu"}
QUICK = {**SMALL, "mode": "whole"}
# A slab of four slices, 24 mm thick: eight prepared slices, two chunks.
CHEST = ChestSettings((4.0, 4.0, 6.0), (96, 84, 4), effusion_ml=300.0)
PATIENCE_S = 600.0  # for what hangs; a busy machine must never reach it


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with headless_scene(tmp_path_factory.mktemp("scene")) as headless:
        yield headless.scene, add_generated_chest(headless.scene, CHEST, "CHEST")


@pytest.fixture
def scene(shared):
    """The scene with the chest alone; whatever a test leaves behind fails it here."""
    made, volume = shared
    yield made
    for node in [made.GetNthNode(n) for n in range(made.GetNumberOfNodes())]:
        if node.GetAttribute("CTCounterfactual.role"):
            made.RemoveNode(node)
    volume.SetAndObserveTransformNodeID(None)


@pytest.fixture
def volume(shared, scene):
    return shared[1]


@pytest.fixture
def make(scene, volume, tmp_path):
    """Return a function that makes a job on the chest from keywords."""

    def job(node=volume, callbacks=None, **keywords):
        return NodeJob(
            scene, node, Options.from_keywords(**keywords), cacheRoot=tmp_path, **(callbacks or {})
        )

    return job


def started(job: NodeJob) -> NodeJob:
    job.start()
    return job


def poll_until(job: NodeJob, wanted) -> None:
    end = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < end
        assert job.poll() or wanted(), job.outcome
        time.sleep(0.02)


def add_earlier(scene, volume):
    """Add what is found as an earlier explanation of the volume; return its counterfactual."""
    node = volumes.add_like(
        scene, volume, slicer.util.arrayFromVolume(volume), f"{volume.GetName()} counterfactual"
    )
    provenance.mark(node, roles.COUNTERFACTUAL)
    provenance.refer([node], volume, node)
    assert [found.main for found in find_sets(scene, volume)] == [node]
    return node


def names(scene) -> list[str]:
    return sorted(scene.GetNthNode(n).GetName() for n in range(scene.GetNumberOfNodes()))


def block(scene, volume, low: int, high: int):
    """Add a segmentation whose one segment covers the columns [low, high) of a volume."""
    voxels = np.zeros(volume.GetImageData().GetDimensions()[::-1], np.uint8)
    voxels[:, :, low:high] = 1
    source = volumes.add_like(scene, volume, voxels, "block", labels=True)
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn")
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(source, segmentation)
    scene.RemoveNode(source)
    return segmentation, segmentation.GetSegmentation().GetNthSegmentID(0)


def test_a_run_shows_chunks_as_they_come_and_ends_in_nodes(scene, make, volume, tmp_path):
    rows, finished, states = [], [], []

    def look(event):
        if event.step == "chunk":
            rows.append((job.live.table.GetNumberOfRows(), len(job.live.heatmaps)))

    job = make(callbacks={"onEvent": look, "onFinished": finished.append}, **SMALL)
    job.machine.listen(lambda old, new: states.append(new))
    job.start()
    result = job.wait()
    assert rows == [(1, 1), (2, 2)]
    assert states == [State.RUNNING, State.DONE]
    assert finished == [job]
    assert job.live is None
    assert result is job.result
    assert result.tableNode.GetNumberOfRows() == 2
    assert len(result.heatmapNodes) == 2
    assert len(result.chartNodes) == 2
    assert result.scores.counterfactual == result.scores.original - result.reduction
    scan, changed, difference = (
        slicer.util.arrayFromVolume(node)
        for node in (volume, result.counterfactualNode, result.differenceNode)
    )
    assert np.array_equal(changed - scan, difference)
    assert difference.any()
    kept = result.explanation  # each volume is in memory once
    heat = slicer.util.arrayFromVolume(result.heatmapNode)
    assert np.shares_memory(kept.counterfactual, changed)
    assert np.shares_memory(kept.difference, difference)
    assert np.shares_memory(kept.heatmap, heat)
    assert job._reading is None
    live = [name for name in names(scene) if "running" in name]
    assert live == []
    left = {p.name for p in job.folder.iterdir()}
    assert left == {"job.json", "result", "session.lock"}
    result.release()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="runs once"):
        job.start()


def test_a_left_handed_volume_under_a_transform_keeps_its_place(scene, make, volume):
    oblique = np.array(
        [  # about K by 30 degrees; K points down, which makes it left-handed
            [-3.46, 2.0, 0, 150],
            [-2.0, -3.46, 0, 160],
            [0, 0, -6.0, 120],
            [0, 0, 0, 1],
        ]
    )
    node = volumes.add_volume(scene, slicer.util.arrayFromVolume(volume)[::-1], oblique, "DOWN")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    node.SetAndObserveTransformNodeID(transform.GetID())
    result = started(make(node, **QUICK)).wait()
    for one in (result.counterfactualNode, result.differenceNode, result.heatmapNode):
        assert np.array_equal(volumes.ijk_to_ras(one), volumes.ijk_to_ras(node))
        assert one.GetParentTransformNode() is transform
    assert [name for name, _ in result.explanation.scan.warnings] == ["parent-transform"]
    assert result.tableNode is result.scoreTableNode  # no chunks, no table of chunks
    scene.RemoveNode(node)
    scene.RemoveNode(transform)


def test_only_the_region_may_change(scene, make, volume):
    segmentation, segment = block(scene, volume, 20, 50)
    result = started(make(region=(segmentation, segment), **QUICK)).wait()
    difference = slicer.util.arrayFromVolume(result.differenceNode)
    assert difference[:, :, 20:50].any()
    assert not difference[:, :, :20].any()
    assert not difference[:, :, 50:].any()
    assert (
        result.explanation.region_name
        == segmentation.GetSegmentation().GetSegment(segment).GetName()
    )
    scene.RemoveNode(segmentation)


def test_a_failed_replacement_leaves_the_earlier_result_as_it_was(scene, make, volume):
    earlier = add_earlier(scene, volume)
    before = names(scene)
    job = started(make(**QUICK))
    at_home = volumes.ijk_to_ras(volume)
    moved = at_home.copy()
    moved[0, 3] += 100.0
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(moved))
    with pytest.raises(JobError, match=r"away from the scan that was explained"):
        job.wait()
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(at_home))
    assert job.state is State.FAILED
    assert names(scene) == before
    assert earlier.GetName() == "CHEST counterfactual"
    assert not job.folder.exists()


def test_a_volume_removed_meanwhile_comes_back_with_the_result(scene, make, volume, caplog):
    """All the while a callback of the owner's is wrong, which doesn't end the job either."""
    copy = slicer.vtkMRMLScalarVolumeNode()
    copy.CopyContent(volume)
    copy.SetName("GONE")
    scene.AddNode(copy)
    job = started(make(copy, {"onEvent": lambda event: 1 / 0}, **QUICK))
    scene.RemoveNode(copy)
    result = job.wait()
    assert "callback of the job raised" in caplog.text
    assert result.nodes.scan.GetName() == "GONE"
    assert result.nodes.scan.GetScene() is scene
    scene.RemoveNode(result.nodes.scan)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classifier": "lung-volum"}, "no classifier named 'lung-volum'"),
        ({"target": "heart"}, "heart"),
        ({"baseline": "reconstruction", "region": "block"}, "region"),
    ],
)
def test_what_the_worker_refuses_is_said_and_leaves_nothing(scene, make, volume, options, words):
    if "region" in options:
        options = {**options, "region": block(scene, volume, 20, 50)}
    before, finished = names(scene), []
    job = started(make(callbacks={"onFinished": finished.append}, **{**QUICK, **options}))
    with pytest.raises(JobError, match=words):
        job.wait()
    assert job.state is State.FAILED
    assert finished == [job]
    assert names(scene) == before
    assert not job.folder.exists()
    if "region" in options:
        scene.RemoveNode(options["region"][0])


def test_bad_input_fails_before_a_worker_is_started(scene, make):
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "EMPTY")
    finished = []
    job = started(make(empty, {"onFinished": finished.append}, **QUICK))
    assert finished == [job]
    assert job.state is State.FAILED
    assert "'EMPTY' is empty" in job.outcome.message
    assert not job.poll()
    assert not job.folder.exists()
    with pytest.raises(JobError, match="Load the scan again"):
        job.raise_if_failed()
    scene.RemoveNode(empty)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_worker_killed_by_the_system_is_explained(scene, make):
    before = names(scene)
    job = started(make(**SMALL))
    poll_until(job, lambda: job.live is not None and job.live.table is not None)
    os.killpg(job._process.pid, signal.SIGKILL)
    with pytest.raises(JobError, match="killed from outside") as caught:
        job.wait()
    assert caught.value.advice
    assert names(scene) == before
    assert not job.folder.exists()


def test_missing_packages_are_named_before_anything_is_written(make, monkeypatch):
    absent = Package("ctc_absent>=1.0", "1", "is absent")
    monkeypatch.setattr(packages, "required_packages", lambda: (absent,))
    job = started(make(**QUICK))
    with pytest.raises(JobError, match=r"missing: ctc_absent>=1.0.*ensure_installed"):
        job.wait()
    assert job.folder is None


def test_a_python_that_is_not_there_is_said(scene, volume, tmp_path):
    job = NodeJob(
        scene,
        volume,
        Options.from_keywords(**QUICK),
        python=str(tmp_path / "none"),
        cacheRoot=tmp_path,
    )
    with pytest.raises(JobError, match=r"Cannot start .*none"):
        started(job).wait()


def test_cancel_while_the_result_is_read_leaves_nothing(scene, make):
    before = names(scene)
    job = started(make(**QUICK))
    poll_until(job, lambda: job._reading is not None)
    job.cancel()
    with pytest.raises(Cancelled):
        job.wait()
    assert job.state is State.IDLE
    assert names(scene) == before
    assert not job.folder.exists()


def test_an_interrupted_wait_ends_the_worker(scene, make):
    before = names(scene)

    def interrupt():
        raise KeyboardInterrupt

    job = started(make(**SMALL))
    process = job._process._process
    with pytest.raises(KeyboardInterrupt):
        job.wait(interrupt)
    assert process.poll() is not None
    assert job.state is State.IDLE
    assert not job.folder.exists()
    assert names(scene) == before


MAP = {
    "method": "responsibility",
    "methodOptions": {"occlusion": "air", "iterations": 1, "least_ml": 400.0},
    "device": "cpu",
}


def test_a_map_ends_in_nodes_and_replaces_only_its_own_kind(scene, make, volume):
    counterfactual, earlier = (
        add_earlier(scene, volume),
        volumes.add_like(
            scene, volume, slicer.util.arrayFromVolume(volume), "CHEST responsibility map"
        ),
    )
    provenance.mark(earlier, roles.MAP)
    provenance.set_attributes(earlier, method="responsibility")
    provenance.refer([earlier], volume, earlier)
    result = started(make(**MAP)).wait()
    assert (earlier.GetScene(), counterfactual.GetScene()) == (None, scene)
    assert result.method == "responsibility"
    assert result.mapNode.GetName() == "CHEST responsibility map"
    values = slicer.util.arrayFromVolume(result.mapNode)
    assert np.shares_memory(result.explanation.values, values) and values.any()
    assert result.score > 0 and result.facts["occlusion"] == "air"
    assert "sufficient" in result.partNodes
    assert result.tableNode.GetNumberOfRows() == 3
    assert [one.method for one in find_sets(scene, volume)] == ["latent-shift", "responsibility"]
    result.release()


def test_segments_reach_the_engine_with_their_names(scene, volume, tmp_path):
    from CTCounterfactualLib.jobs.job import Job
    from CTCounterfactualLib.jobs.workplace import Workplace
    from CTCounterfactualLib.methods.structures.segments import read_segments
    from CTCounterfactualLib.scans.grid import GridSpec, prepare
    from CTCounterfactualLib.scans.read import read_scan
    from CTCounterfactualSlicer.job_nodes import JobNodes

    segmentation, segment = block(scene, volume, 20, 60)
    segmentation.GetSegmentation().GetSegment(segment).SetName("left: upper, lobe")
    options = Options.from_keywords(method="structures", segments=segmentation)
    workplace = Workplace.create(tmp_path)
    job = Job.read(JobNodes(scene, volume, options).write(workplace))
    scan = read_scan(workplace.input, assume_hu=True)
    prepared = prepare(scan, GridSpec(spacing=scan.spacing))
    found = read_segments(job.method_options["segments"], prepared)
    assert found.names == {1: "left: upper, lobe"}
    size = volume.GetImageData().GetDimensions()
    assert np.count_nonzero(found.labels) == 40 * size[1] * size[2]
    workplace.remove()
    scene.RemoveNode(segmentation)


def test_a_method_that_the_classifier_cannot_serve_fails_in_words(make, scene):
    before = names(scene)
    job = started(make(method="hirescam", device="cpu"))  # lung-volume is a formula
    with pytest.raises(JobError, match=r"needs the layers|captum"):
        job.wait()
    assert names(scene) == before
