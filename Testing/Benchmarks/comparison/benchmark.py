"""All measurements of one size, put together."""

from __future__ import annotations

from datetime import date

import torch

from . import devices
from .measure_cost import measure_cost, measure_equality
from .measure_equality import REAL_SCAN, measure_trained
from .measure_published import measure_published
from .measure_search import measure_search
from .report import Report
from .sizes import SIZES
from .tasks import search_task


def measure(
    size_name: str, search: type, device: torch.device, their_chunks: int | None, say
) -> Report:
    """Run all tasks of one size.

    Parameters
    ----------
    size_name : str
        A key of `SIZES`.
    search : type
        The paper's `LatentShift`.
    their_chunks : int or None
        How many chunks of the paper's side are timed; the rest is scaled. None is all.
    say : callable
        Told what happens now.
    """
    size, report = SIZES[size_name], Report()
    report.values["machine"] = devices.describe(device)
    report.values["date"] = date.today().isoformat()
    say("random weights of the published kind")
    evaluations = measure_cost(size.cost, search, device, their_chunks, report)
    measure_equality(search, device, report)
    say("embedded models in double precision, where D(z) leaves 0..1")
    measure_trained(search, device, shared_scan(REAL_SCAN), report)
    say("embedded models: the paper's long searches")
    measure_search(search_task(size.search, search, device), device, their_chunks, report, True)
    scan = shared_scan(size.search.scan)
    if scan is not None:
        task = search_task(size.search, search, device, scan)
        measure_search(task, device, their_chunks, report, False)
    say("published size, on meta tensors")
    measure_published(search, evaluations, report)
    report.notes += [
        "The paper's 10-picture sweep isn't counted: it is asked for two pictures, which its "
        "search has already. This favours the paper's side.",
        "Random weights in single precision: where a ReLU's or max-pool's input lies within "
        "rounding of its kink, the gradient takes another branch, and both codes' predictions "
        "move by more than 1e-4. The goal is held in float64, and by the trained weights.",
        "Seconds: the two sides in turn, three times, the median and in brackets the least and "
        "the greatest; each turn has a third of the paper's chunks, scaled to all by evaluations. "
        "A ratio is that of one turn. They print their goal but don't decide the exit code.",
        "The paper's code runs as it is: its pictures and ours leave 0..1 where the decoder's do.",
        f"{report.values['machine']}. Both sides: same weights, inputs, torch, threads.",
    ]
    return report


def shared_scan(name: str):
    """Return a scan of `shared/data/ct` beside the repository, or None."""
    from CTCounterfactualLib import read_scan

    from .environment import REPOSITORY

    path = REPOSITORY.parent / "shared" / "data" / "ct" / name
    return read_scan(path) if name and path.is_file() else None
