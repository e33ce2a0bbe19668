"""The change played: a sequence of volumes from the scan to the counterfactual, and its browser."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ...counterfactual.result import Explanation, Frame
from ...errors import OutputError
from ...scans.geometry import same_grid
from ...scans.hounsfield import in_type
from ...scans.scan import Scan
from ...storage.sizes import BYTES_PER_MB
from ...wording import say
from ..mrml import slicer
from . import hierarchy, names, provenance, roles, volumes
from .nodes import Animation, SceneNodes
from .transaction import all_or_nothing

# Slow enough to see where something happens: there are only a few volumes.
FRAMES_PER_SECOND = 4.0
# Scan and counterfactual at the ends of the frames, and the volume that shows one of all.
_MORE_VOLUMES = 3


def add_animation(scene, explanation: Explanation, nodes: SceneNodes) -> SceneNodes:
    """Add the change as a sequence, browsed with Slicer's own slider; return nodes with it.

    Its volumes cover only what changes: a cut-out of the scan, the frames, and the same cut-out of
    the counterfactual, indexed by percent of the lambda that was found. They are copies; see
    `memory_mb`. The volume that shows them has the scan's window and parent transform.

    Raises
    ------
    OutputError
        If the explanation has no frames, or they don't lie on the scan's grid.
    """
    steps = _steps(explanation)
    called = names.Names.of_set(explanation.scan.name, nodes.counterfactual.GetName())
    with all_or_nothing(scene):
        sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", called.of("change sequence"))
        sequence.SetIndexType(slicer.vtkMRMLSequenceNode.NumericIndex)
        sequence.SetIndexName("lambda")
        sequence.SetIndexUnit("%")
        frame = explanation.frames[0].image
        proxy = volumes.add_image(
            scene,
            frame,
            called.of("change playing"),
            unit=volumes.unit_code(explanation.scan),
        )
        proxy.SetAndObserveTransformNodeID(nodes.scan.GetTransformNodeID())
        volumes.copy_window(proxy, nodes.scan)
        # Before the copies are made: each brings its attributes and description along.
        provenance.mark(proxy, roles.FRAME, "One step of the change from scan to counterfactual.")
        for percent, voxels in steps:
            slicer.util.updateVolumeFromArray(proxy, voxels)
            sequence.SetDataNodeAtValue(proxy, f"{percent:.4g}")
        browser = _add_browser(scene, sequence, proxy, called.of("change browser"))
        animation = Animation(sequence, browser, proxy)
        _relate(scene, explanation, nodes, animation)
    return replace(nodes, animation=animation)


def memory_mb(explanation: Explanation) -> float:
    """Return how much memory `add_animation` takes, in MB; 0 if there is nothing to play."""
    frames = explanation.frames
    if not frames:
        return 0.0
    return _voxels(frames[0]).nbytes * (len(frames) + _MORE_VOLUMES) / BYTES_PER_MB


def _steps(explanation: Explanation) -> list[tuple[float, np.ndarray]]:
    """Return percent of lambda and voxels (K, J, I; HU) of every volume, in order."""
    if not explanation.frames:
        raise OutputError(
            "There is nothing to play: this explanation has no volumes between scan and "
            f"counterfactual. Explain again with {say('frames')} above 0 (if that was so, nothing "
            f"changed enough to be seen)."
        )
    cut = _cut(explanation.scan, explanation.frames[0].image)
    between = [(100 * frame.fraction, _voxels(frame)) for frame in explanation.frames]
    changed = explanation.counterfactual[cut]
    scan = in_type(explanation.scan.array[cut], changed.dtype)
    return [(0.0, scan), *between, (100.0, changed)]


def _voxels(frame: Frame) -> np.ndarray:
    """Return a frame's voxels, a view: (K, J, I), HU."""
    return sitk.GetArrayViewFromImage(frame.image)


def _cut(scan: Scan, frame: sitk.Image) -> tuple[slice, slice, slice]:
    """Return where a frame lies in the scan's (K, J, I) array: first, stop and step of each axis.

    Raises
    ------
    OutputError
        If it lies on another grid.
    """
    lies = Scan(frame).ijk_to_ras()
    to_scan = np.linalg.inv(scan.ijk_to_ras()) @ lies
    first, steps = np.rint(to_scan[:3, 3]), np.rint(to_scan.diagonal()[:3])
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = np.diag(steps), first
    last = first + steps * (np.array(frame.GetSize()) - 1)
    if (
        not same_grid(frame.GetSize(), lies, scan.ijk_to_ras() @ whole)
        or steps.min() < 1
        or first.min() < 0
        or (last >= scan.size).any()
    ):
        raise OutputError(
            f"The frames of the animation don't lie on the grid of '{scan.name}'. They belong to "
            f"another scan: read the result together with the scan that it was made of."
        )
    i, j, k = (
        slice(int(start), int(end) + 1, int(step))
        for start, end, step in zip(first, last, steps, strict=True)
    )
    return k, j, i


def _add_browser(scene, sequence, proxy, name: str):
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", name)
    # Makes the sequence the browser's master too. Were it so before, Slicer would add a proxy.
    browser.AddProxyNode(proxy, sequence, False)
    browser.SetOverwriteProxyName(sequence, False)
    browser.SetPlaybackRateFps(FRAMES_PER_SECOND)
    browser.SetIndexDisplayFormat("%.0f")
    browser.SetSelectedItemNumber(sequence.GetNumberOfDataNodes() - 1)
    return browser


def _relate(scene, explanation: Explanation, nodes: SceneNodes, animation: Animation) -> None:
    between = [frame.score for frame in explanation.frames]
    scores = [explanation.scores.original, *between, explanation.scores.counterfactual]
    provenance.mark(animation.sequence, roles.SEQUENCE, "The change by percent of lambda.")
    provenance.mark(animation.browser, roles.BROWSER, "Which step of the change is shown.")
    provenance.set_attributes(animation.sequence, stepScores=json.dumps(scores))
    mine = (animation.proxy, animation.sequence, animation.browser)
    provenance.refer(mine, nodes.scan, nodes.counterfactual)
    folder = hierarchy.folder_with(scene, nodes.counterfactual)
    if folder:
        hierarchy.place(scene, (animation.proxy,), folder)
