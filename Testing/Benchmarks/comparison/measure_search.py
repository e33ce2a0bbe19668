"""The embedded models on a chest: the paper's long searches against the engine's."""

from __future__ import annotations

from statistics import median

import torch

from .against import (
    Sides,
    compare_paths,
    lowest_reached,
    lowest_within_limit,
    run_paper,
    scaled_seconds,
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


def measure_search(
    task: Task, device: torch.device, their_chunks: int | None, report: Report, main: bool
) -> None:
    """Measure long searches on both sides; `main` gives the values of the JSON file."""
    run_engine(task, "adaptive", device)  # warms up
    adaptive = run_engine(task, "adaptive", device)
    reference = run_engine(task, "reference", device)
    theirs = run_paper(task, reference.chunks, their_chunks)
    after = run_engine(task, "adaptive", device)
    default = run_engine(task, "default", device)
    overhead = after.seconds / seconds_of_parts(task, after, device)
    seconds = (adaptive.seconds + after.seconds) / 2
    like_paper, free = Sides(theirs, reference.chunks), Sides(theirs, adaptive.chunks)
    total, how = scaled_seconds(like_paper)
    same, difference = compare_paths(like_paper)
    counts = [chunk.evaluations for chunk in adaptive.chunks]
    values = {
        "wall_ratio_adaptive": total / seconds, "overhead": overhead,
        "evaluations_median": median(counts), "score_not_worse": lowest_reached(free),
    }
    if main:
        report.values |= values
    kept = lowest_reached(free, kept=True)
    report.details[task.name] = {
        **values, "not_worse_than_kept": kept, "theirs_seconds": total,
        "ours_adaptive_seconds": seconds, "ours_reference_seconds": reference.seconds,
        "ours_default_seconds": default.seconds, "theirs_evaluations": their_counts(free),
        "ours_evaluations": counts, "wall_ratio_reference": total / reference.seconds,
    }
    name, theirs_text = task.name, f"{total:.1f}{how}"
    report.rows += [
        Row(name, "seconds, --search adaptive", theirs_text, f"{seconds:.1f}", total / seconds,
            WALL_ADAPTIVE, timed=True),
        Row(name, "seconds, --search reference", theirs_text, f"{reference.seconds:.1f}",
            total / reference.seconds),
        Row(name, "same lambdas and stops (share of chunks)", value=same, goal=1.0),
        Row(name, "predictions, greatest relative difference", value=difference,
            goal=PREDICTIONS, at_most=True),
        Row(name, "evaluations a chunk (median)", f"{median(their_counts(free)):g}",
            f"{median(counts):g}", float(median(counts)), EVALUATIONS, at_most=True),
        Row(name, "chunks with a score as low as its lowest", value=values["score_not_worse"],
            goal=NOT_WORSE),
        Row(name, "the same, of its evaluations within the change limit",
            value=lowest_within_limit(reference.chunks, adaptive.chunks)),
        Row(name, "chunks with a score as low as the one it keeps", value=kept),
        Row(name, "overhead: run / its parts alone", value=overhead, goal=OVERHEAD, at_most=True,
            timed=True),
        Row(name, "default settings: seconds, evaluations (median)", "",
            f"{default.seconds:.1f}, {median(c.evaluations for c in default.chunks):g}"),
    ]
