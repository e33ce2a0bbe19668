"""The embedded models on a chest: the paper's long searches against the engine's."""

from __future__ import annotations

from statistics import median

import torch

from .against import (
    Sides,
    compare_paths,
    lowest_reached,
    lowest_within_limit,
)
from .engine import run_engine, seconds_of_parts
from .report import (
    EVALUATIONS,
    NOT_WORSE,
    OVERHEAD,
    PREDICTIONS,
    WALL_ADAPTIVE,
    Report,
    their_counts,
)
from .table import Row
from .tasks import Task
from .turns import TURNS, spread, take_turns


def measure_search(
    task: Task, device: torch.device, their_chunks: int | None, report: Report, main: bool
) -> None:
    """Measure long searches on both sides; `main` gives the values of the JSON file."""
    run_engine(task, "adaptive", device)  # warms up
    turns = take_turns(task, ("adaptive", "reference"), device, their_chunks)
    adaptive, reference = (turns.ours[kind][0] for kind in ("adaptive", "reference"))
    default = run_engine(task, "default", device)
    overheads = []
    for _ in range(TURNS):
        after = run_engine(task, "adaptive", device)
        overheads.append(after.seconds / seconds_of_parts(task, after, device))
    overhead = median(overheads)
    like_paper, free = (Sides(turns.theirs, run.chunks) for run in (reference, adaptive))
    ratios = {kind: turns.ratios(kind) for kind in turns.ours}
    same, difference = compare_paths(like_paper)
    counts = [chunk.evaluations for chunk in adaptive.chunks]
    values = {
        "wall_ratio_adaptive": median(ratios["adaptive"]),
        "overhead": overhead,
        "evaluations_median": median(counts),
        "score_not_worse": lowest_reached(free),
    }
    if main:
        report.values |= values
    kept = lowest_reached(free, kept=True)
    report.details[task.name] = {
        **values,
        "not_worse_than_kept": kept,
        "theirs_seconds": turns.their_seconds,
        "ours_adaptive_seconds": turns.seconds("adaptive"),
        "loads": turns.loads,
        "ours_reference_seconds": turns.seconds("reference"),
        "overheads": overheads,
        "ours_default_seconds": default.seconds,
        "theirs_evaluations": their_counts(free),
        "ours_evaluations": counts,
        "wall_ratio_reference": median(ratios["reference"]),
    }
    report.notes.append(f"Load of the machine in the turns of {task.name}: {turns.load}.")
    name, theirs_text = task.name, spread(turns.their_seconds)
    report.rows += [
        Row(
            name,
            "seconds, --search adaptive",
            theirs_text,
            spread(turns.seconds("adaptive")),
            median(ratios["adaptive"]),
            WALL_ADAPTIVE,
            timed=True,
        ),
        Row(name, "its ratio, turn by turn", ours=spread(ratios["adaptive"])),
        Row(
            name,
            "seconds, --search reference",
            theirs_text,
            spread(turns.seconds("reference")),
            median(ratios["reference"]),
            timed=True,
        ),
        Row(name, "its ratio, turn by turn", ours=spread(ratios["reference"])),
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
            "evaluations a chunk (median)",
            f"{median(their_counts(free)):g}",
            f"{median(counts):g}",
            float(median(counts)),
            EVALUATIONS,
            at_most=True,
        ),
        Row(
            name,
            "chunks with a score as low as its lowest",
            value=values["score_not_worse"],
            goal=NOT_WORSE,
        ),
        Row(
            name,
            "the same, of its evaluations within the change limit",
            value=lowest_within_limit(reference.chunks, adaptive.chunks),
        ),
        Row(name, "chunks with a score as low as the one it keeps", value=kept),
        Row(
            name,
            "overhead: run / its parts alone",
            ours=spread(overheads, 2),
            value=overhead,
            goal=OVERHEAD,
            at_most=True,
            timed=True,
        ),
        Row(
            name,
            "default settings: seconds, evaluations (median)",
            "",
            f"{default.seconds:.1f}, {median(c.evaluations for c in default.chunks):g}",
        ),
    ]
