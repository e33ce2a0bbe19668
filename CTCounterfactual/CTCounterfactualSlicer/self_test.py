"""The module tests itself: the real path on a small generated chest, without network.

Slicer runs it as `CTCounterfactualTest`; on slicer-core the same steps run in our own tests.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import slicer

from CTCounterfactualLib.errors import Cancelled, CTCounterfactualError
from CTCounterfactualLib.scene.make import volumes

from .caches import cache_folder
from .node_job import WAIT_STEP_S, NodeJob
from .options import KEEP
from .result import NodeResult
from .sample_data import add_generated_chest
from .state import State

# A thin slab through a coarse chest: every step is real, none takes long.
SPACING_MM, SIZE = (4.0, 4.0, 6.0), (96, 84, 4)
EFFUSION_ML = 300.0
# 8 prepared slices in two chunks, and as few evaluations as a search may have.
SMALL = {"chunkSize": 4, "maxEvaluations": 2, "frames": 1, "device": "cpu"}
CHUNKS = 2
CHARTS = 2
# An unresponsive worker must not hang the test for ever; a busy machine must never reach this.
PATIENCE_S = 600.0

Say = Callable[[str], object]


class SelfTestError(AssertionError):
    """Something isn't as it has to be; the message says what."""


def run(logic, say: Say = print) -> None:
    """Run all steps in `slicer.mrmlScene`, which is cleared afterwards.

    Parameters
    ----------
    logic : CTCounterfactualLogic
        What is tested; only `explain`, `start` and `prepare` are called.
    say : callable
        Told of each step.

    Raises
    ------
    SelfTestError
        At the first thing that is wrong.
    """
    scene = slicer.mrmlScene
    say("Generating a small chest")
    volume = _make_chest(scene)
    try:
        say("Wrong options and wrong input are refused in words")
        check_refusals(logic, scene, volume)
        say("Explaining it in a process of its own")
        result = check_explanation(logic, scene, volume)
        say("A second run replaces the first")
        result = check_replacement(logic, scene, volume, result)
        say("Moving lambda by hand")
        check_session(logic, scene, volume)
        say("Cancelling in the middle leaves nothing")
        check_cancel(logic, scene, volume)
        say("Closing the scene ends a running job")
        check_closing(logic, scene, volume)
        result.release()
    finally:
        scene.Clear(0)
    say("All steps passed")


def check_refusals(logic, scene, volume) -> None:
    """Check that each mistake is named, and that nothing is added to the scene."""
    before = _census(scene)
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    for expected, node, options in (
        ("chunkSize", volume, {"chunksize": 8}),
        ("maxChange", volume, {"maxChange": 0.0}),
        ("Empty", empty, {}),
        ("lung-volume", volume, {"classifier": "lung-volum"}),
    ):
        try:
            logic.explain(node, **{**SMALL, **options})
        except CTCounterfactualError as error:
            _expect(expected in str(error), f"'{error}' should name {expected}")
        else:
            raise SelfTestError(f"{options or node.GetName()} should be refused")
    scene.RemoveNode(empty)
    _expect_same_nodes(scene, before, "refused runs")


def check_explanation(logic, scene, volume) -> NodeResult:
    """Check a whole run: events, geometry, values, table."""
    steps: list[str] = []
    result = logic.explain(volume, progress=lambda event: steps.append(event.step), **SMALL)
    _expect(steps.count("chunk") == CHUNKS, f"events were {steps}")
    _expect(steps[-1] == "written", f"events were {steps}")
    scores = result.scores
    _expect(scores.counterfactual < scores.original, f"the score did not fall: {scores}")
    _expect(len(result.heatmapNodes) == CHUNKS, "there should be a heatmap per chunk")
    rows = result.tableNode.GetNumberOfRows()
    _expect(rows == CHUNKS, f"the table has {rows} rows")
    _expect(len(result.chartNodes) == CHARTS, "a chart is missing")
    for node in (result.counterfactualNode, result.differenceNode, result.heatmapNode):
        _expect_same_grid(node, volume)
    scan, changed, difference = (
        slicer.util.arrayFromVolume(node)
        for node in (volume, result.counterfactualNode, result.differenceNode)
    )
    _expect((changed - scan == difference).all(), "counterfactual - scan isn't the difference")
    _expect(difference.any(), "nothing was changed")
    return result


def check_replacement(logic, scene, volume, earlier: NodeResult) -> NodeResult:
    """Check that running again doesn't pile up nodes, and that names stay; and that they may."""
    before, name = _census(scene), earlier.counterfactualNode.GetName()
    result = logic.explain(volume, **SMALL)
    _expect_same_nodes(scene, before, "running again")
    _expect(result.counterfactualNode.GetName() == name, "the name changed by running again")
    _expect(earlier.counterfactualNode.GetScene() is None, "the earlier result is still there")
    earlier.release()
    kept = logic.explain(volume, outputs=KEEP, **{**SMALL, "mode": "whole"})
    _expect(result.counterfactualNode.GetScene() is scene, "outputs='keep' removed a result")
    _expect(kept.counterfactualNode.GetName() != name, "two results have the same name")
    kept.release()
    return result


def check_session(logic, scene, volume) -> None:
    """Check that a session shows and scores a lambda, and that its end leaves nothing."""
    before = _census(scene)
    session = logic.prepare(volume, **SMALL)
    try:
        _expect_same_grid(session.liveNode, volume)
        point = session.at(session.ready["limit"]["lam"] / 2)
        _expect(point.score < session.ready["score"], f"the score did not fall: {point}")
        _expect(point.change > 0, f"nothing was changed: {point}")
        folders = [workplace.folder for workplace in session.workplaces()]
    finally:
        session.close()
    _expect(not any(folder.exists() for folder in folders), "files of the session are left")
    _expect_same_nodes(scene, before, "a session")


def check_cancel(logic, scene, volume) -> None:
    """Check that a job that is cancelled after its first chunk is gone, files and all."""
    before = _census(scene)
    finished: list[NodeJob] = []
    job = logic.start(volume, onFinished=finished.append, **SMALL)
    _poll_until(job, lambda: job.live is not None and job.live.table is not None)
    folder = job.folder
    _expect(folder.is_dir(), "the running job has no folder")
    job.cancel()
    _expect(job.state is State.CANCELLING, f"the state is {job.state} after cancel()")
    _poll_until(job, lambda: job.finished)
    _expect(job.state is State.IDLE, f"the state is {job.state} after a cancelled job")
    _expect(finished == [job], "onFinished wasn't called exactly once")
    _expect(not folder.exists(), "files of the cancelled job are left")
    _expect_same_nodes(scene, before, "a cancelled job")
    try:
        job.wait()
    except Cancelled:
        return
    raise SelfTestError("waiting for a cancelled job should raise Cancelled")


def check_closing(logic, scene, volume) -> None:
    """Check that closing the scene ends a running job and leaves neither nodes nor files."""
    job = logic.start(volume, **SMALL)
    _poll_until(job, lambda: job.live is not None and job.live.table is not None)
    folder = job.folder
    scene.Clear(0)
    _expect(job.finished and job.state is State.IDLE, "the job outlived its scene")
    _expect(not folder.exists(), f"files of the closed scene's job are left in {cache_folder()}")
    left = scene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    _expect(left == 0, f"{left} tables outlived the scene")


def _make_chest(scene):
    from CTCounterfactualLib.scans.generated import ChestSettings

    return add_generated_chest(
        scene, ChestSettings(SPACING_MM, SIZE, effusion_ml=EFFUSION_ML), name="SelfTestChest"
    )


def _poll_until(job: NodeJob, wanted: Callable[[], bool]) -> None:
    """Poll a job, as its timer would, until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not wanted():
        _expect(time.monotonic() < end, "the worker doesn't go on")
        going_on = job.poll()
        if not going_on and not wanted():
            raise SelfTestError(f"the job ended too early: {job.outcome}")
        time.sleep(WAIT_STEP_S)


def _census(scene) -> Counter:
    """Return how many nodes of each class the scene has."""
    return Counter(scene.GetNthNode(n).GetClassName() for n in range(scene.GetNumberOfNodes()))


def _expect_same_nodes(scene, before: Counter, after: str) -> None:
    now = _census(scene)
    changed = {name: now[name] - before[name] for name in now | before}
    changed = {name: count for name, count in changed.items() if count}
    _expect(not changed, f"the nodes differ after {after}: {changed}")


def _expect_same_grid(node, volume) -> None:
    name = node.GetName()
    size, expected = node.GetImageData().GetDimensions(), volume.GetImageData().GetDimensions()
    _expect(size == expected, f"{name} has {size} voxels")
    same = (volumes.ijk_to_ras(node) == volumes.ijk_to_ras(volume)).all()
    _expect(same, f"{name} lies elsewhere than the scan")


def _expect(so: bool, otherwise: str) -> None:
    if not so:
        raise SelfTestError(otherwise)
