"""Trained weights in double precision, where D(z) leaves 0..1: is it the paper's search?

A trained decoder overshoots, in air and in bone, and the paper's code takes its pictures as they
come. Both sides must visit the same lambdas, find the same predictions
and changes, and draw the same heatmap.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch

from .against import Sides, compare_changes, compare_paths
from .engine import MAX_CHANGE, EngineRun, run_engine
from .paper import PaperChunk
from .report import EXACTLY, Report
from .sizes import SearchSize
from .table import Row
from .tasks import Task, search_task

# One chunk of a chest: double precision takes its time.
SIZE = SearchSize((4.0, 4.0, 3.0), 10)
# A shared scan that is compared too where it is at hand.
REAL_SCAN = "chest_lidc0314_2mm.nii.gz"
# The paper's sweep.
SWEEP = 10


def measure_trained(search: type, device: torch.device, scan, report: Report) -> None:
    """Compare both sides on a generated chest and, where it is at hand, on a real one."""
    for given in (None,) if scan is None else (None, scan):
        task = search_task(SIZE, search, device, middle(given), torch.float64)
        _measure(task, device, report)


def middle(scan):
    """Return the middle of a scan, as thick as `SIZE` wants it; None for None."""
    if scan is None:
        return None
    thickness = SIZE.spacing[2] * SIZE.slices
    count = max(1, round(thickness / scan.spacing[2]))
    first = (scan.size[2] - count) // 2
    return replace(scan, image=scan.image[:, :, first : first + count])


def _measure(task: Task, device: torch.device, report: Report) -> None:
    ours = run_engine(task, "reference", device)
    theirs = [task.paper.run(chunk.start, chunk.stop, MAX_CHANGE) for chunk in ours.chunks]
    sides = Sides(theirs, ours.chunks)
    same, predictions = compare_paths(sides)
    drawn = ours.run.encoded.decoded
    beyond = float(((drawn < 0) | (drawn > 1)).double().mean())
    heatmaps = max(_heatmap_gap(task, ours, chunk) for chunk in theirs)
    name = f"{task.name}, {task.slices} slices, float64"
    found = {
        "voxels_beyond": beyond,
        "same_paths": same,
        "predictions_differ": predictions,
        "changes_differ": compare_changes(sides),
        "heatmaps_differ": heatmaps,
        "evaluations": [len(chunk.path) for chunk in theirs],
    }
    report.details.setdefault("equality", {})[task.name] = found
    report.rows += [
        Row(name, "voxels of D(z) beyond 0..1 (share)", value=beyond),
        Row(name, "same lambdas and stops (share of chunks)", value=same, goal=1.0),
        Row(
            name,
            "predictions, greatest relative difference",
            value=predictions,
            goal=EXACTLY,
            at_most=True,
        ),
        Row(
            name,
            "changes, greatest difference",
            value=found["changes_differ"],
            goal=EXACTLY,
            at_most=True,
        ),
        Row(name, "heatmaps, greatest difference", value=heatmaps, goal=EXACTLY, at_most=True),
    ]


def _heatmap_gap(task: Task, ours: EngineRun, chunk: PaperChunk) -> float:
    """Return the greatest difference of both sides' mean |picture - next| over a sweep."""
    start, stop, end = chunk.start, chunk.stop, chunk.path[-1][0]
    workspace = ours.run.workspace
    sweep = [
        workspace.changed(lam, start, stop) if lam else workspace.start_volume[start:stop]
        for lam in np.linspace(end, 0, SWEEP).tolist()
    ]
    mine = torch.stack([(a - b).abs() for a, b in pairwise(sweep)]).mean(0)[:, 0]  # (n, J, I)
    whole = torch.as_tensor(task.paper.heatmap(start, stop, end, SWEEP)).permute(2, 0, 1)
    gap = (mine.cpu() - whole[start:stop]).abs().max()
    outside = torch.cat([whole[:start], whole[stop:]]).abs()
    return float(max(gap, outside.max() if outside.numel() else 0.0))
