"""The published kind of models with random weights: the paper's ladder on both sides."""

from __future__ import annotations

from statistics import mean, median

import torch

from . import devices, published
from .against import Sides, compare_changes, compare_paths
from .counting import count_flops
from .engine import CHUNK, MAX_CHANGE, run_engine
from .report import (
    COUNTS_AGREE,
    EXACTLY,
    GPU_GB,
    GPU_SECONDS,
    PREDICTIONS,
    TERA,
    WALL_REFERENCE,
    Report,
    as_range,
    their_counts,
)
from .resident import SIDES, measure_side
from .sizes import PUBLISHED, SIZES, CostSize
from .table import Row
from .tasks import Task, cost_task, meta_task
from .turns import spread, take_turns


def measure_cost(
    size: CostSize, search: type, device: torch.device, their_chunks: int | None, report: Report
) -> list[int]:
    """Measure the paper's ladder on both sides; return its evaluations of each chunk."""
    meta = meta_task(size, search)
    (paper_work, needed), (engine_work, _) = (
        published.count_paper(meta),
        published.count_engine(meta),
    )
    work, free = (paper_work, engine_work), devices.free_bytes(device)
    task = cost_task(size, search, device)
    if needed > free:
        ours = run_engine(task, "reference", device)
        report.rows.append(
            Row(
                task.name,
                "seconds",
                f"needs {needed / devices.GB:.0f} GB, {free / devices.GB:.0f} are free",
                f"{ours.seconds:.1f}",
                None,
                WALL_REFERENCE,
            )
        )
        return [chunk.evaluations for chunk in ours.chunks]
    turns = take_turns(task, ("reference",), device, their_chunks, work[0])
    ours = turns.ours["reference"][0].chunks
    evaluations = [chunk.evaluations for chunk in ours]
    sides, ratios = Sides(turns.theirs, ours), turns.ratios("reference")
    report.values["wall_ratio_reference"] = median(ratios)
    flops = published.flops(*work, evaluations)
    same, difference = compare_paths(sides)
    report.details["cost"] = {
        "theirs_seconds": turns.their_seconds,
        "ours_seconds": turns.seconds("reference"),
        "loads": turns.loads,
        "theirs_flops": flops[0],
        "ours_flops": flops[1],
        "flops_ratio": flops[0] / flops[1],
        "evaluations": evaluations,
        "theirs_memory_bytes": needed,
    }
    report.rows += [
        Row(
            task.name,
            "seconds, --search reference",
            spread(turns.their_seconds),
            spread(turns.seconds("reference")),
            median(ratios),
            WALL_REFERENCE,
            timed=True,
        ),
        Row(task.name, "its ratio, turn by turn", ours=spread(ratios)),
        Row(
            task.name,
            "TFLOP",
            f"{flops[0] / TERA:.3g}",
            f"{flops[1] / TERA:.3g}",
            flops[0] / flops[1],
        ),
        Row(task.name, "same lambdas and stops (share of chunks)", value=same, goal=1.0),
        Row(task.name, "predictions, greatest relative difference", value=difference),
        Row(task.name, "evaluations a chunk", as_range(their_counts(sides)), as_range(evaluations)),
    ]
    report.notes.append(f"Load of the machine in the turns of {task.name}: {turns.load}.")
    if device.type == "cuda":
        measure_gpu(task, device, report)
    elif size is PUBLISHED:
        theirs_gb, ours_gb = (measure_side(side, "full") for side in SIDES)
        report.details["peak_resident_gb"] = {"theirs": theirs_gb, "ours": ours_gb}
        report.rows.append(
            Row(
                task.name,
                "peak GB of a process, libraries and weights included",
                f"{theirs_gb:.1f}",
                f"{ours_gb:.1f}",
                theirs_gb / ours_gb,
            )
        )
    return evaluations


def measure_equality(search: type, device: torch.device, report: Report) -> None:
    """Compare paths and predictions in double precision, and FLOPs with meta tensors'; few slices.

    In single precision a gradient through random ReLU and max-pool layers is only as exact as
    their kinks allow: rounding alone moves either code's predictions.
    """
    tiny = SIZES["tiny"].cost
    task = cost_task(tiny, search, device, torch.float64)
    made = {}
    real = (
        count_flops(lambda: made.update(theirs=task.paper.run(0, CHUNK, MAX_CHANGE))),
        count_flops(lambda: made.update(ours=run_engine(task, "reference", device))),
    )
    ours = made["ours"].chunks
    theirs = [task.paper.run(chunk.start, chunk.stop, MAX_CHANGE) for chunk in ours]
    sides = Sides(theirs, ours)
    same, difference = compare_paths(sides)
    name = f"{task.name}, {task.slices} slices, float64"
    off = _counts_off(tiny, search, real, len(made["theirs"].path), ours)
    report.details["float64"] = {"same_paths": same, "predictions_differ": difference}
    report.rows += [
        Row(name, "same lambdas and stops (share of chunks)", value=same, goal=1.0),
        Row(
            name,
            "predictions, greatest relative difference",
            value=difference,
            goal=PREDICTIONS,
            at_most=True,
        ),
        Row(
            name,
            "changes, greatest difference",
            value=compare_changes(sides),
            goal=EXACTLY,
            at_most=True,
        ),
        Row(
            name,
            "FLOPs on meta tensors against real ones (relative difference)",
            value=off,
            goal=COUNTS_AGREE,
            at_most=True,
        ),
    ]


def _counts_off(size: CostSize, search: type, real: tuple[int, int], visited: int, ours) -> float:
    """Return how far FLOPs counted on meta tensors are from those of a real chunk and a real run.

    `visited`: evaluations of the paper's chunk; `ours`: the chunks of the engine's run.
    """
    meta = meta_task(size, search)
    (theirs, _), (engine, _) = published.count_paper(meta), published.count_engine(meta)
    steps = mean(chunk.evaluations - 1 for chunk in ours)
    counted = (theirs.fixed + visited * theirs.evaluation, engine.fixed + steps * engine.evaluation)
    return max(abs(a / b - 1) for a, b in zip(counted, real, strict=True))


def measure_gpu(task: Task, device: torch.device, report: Report) -> None:
    """Time all chunks on a GPU, and its peak memory."""
    torch.cuda.reset_peak_memory_stats(device)
    run = run_engine(task, "adaptive", device)
    peak = torch.cuda.max_memory_allocated(device) / devices.GB
    report.details["gpu"] = {"seconds": run.seconds, "peak_gb": peak}
    report.rows += [
        Row(
            task.name,
            "GPU: seconds, --search adaptive, all chunks",
            "",
            "",
            run.seconds,
            GPU_SECONDS,
            at_most=True,
            timed=True,
        ),
        Row(task.name, "GPU: peak GB, weights included", "", "", peak, GPU_GB, at_most=True),
    ]
