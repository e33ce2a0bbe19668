"""Both sides in turn (A B A B ...): what a busy machine does to one it does to the other.

Each turn runs the engine on everything and the paper's code on some of the chunks, other ones each
time, so that all were run in the end; its seconds are scaled to all chunks. A ratio is that of one
turn, and the median and the spread of the turns are told.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from statistics import median

import torch

from .against import Sides, scaled_seconds
from .engine import MAX_CHANGE, EngineRun, run_engine
from .paper import PaperChunk
from .tasks import Task

TURNS = 3


@dataclass(frozen=True)
class Turns:
    """What the turns gave.

    Parameters
    ----------
    theirs : list of PaperChunk
        Of all turns, foot to head.
    ours : dict of str to list of EngineRun
        By kind of search, one a turn.
    their_seconds : list of float
        Of all chunks, scaled, one a turn.
    loads : list of float
        Processes that wanted a core, on average over the last minute, at the end of each turn.
    """

    theirs: list[PaperChunk]
    ours: dict[str, list[EngineRun]]
    their_seconds: list[float]
    loads: list[float]

    def seconds(self, kind: str) -> list[float]:
        """Return the engine's seconds, one a turn."""
        return [run.seconds for run in self.ours[kind]]

    def ratios(self, kind: str) -> list[float]:
        """Return the paper's seconds over the engine's, one a turn."""
        return [a / b for a, b in zip(self.their_seconds, self.seconds(kind), strict=True)]

    @property
    def load(self) -> str:
        """Return the loads in words."""
        return ", ".join(f"{load:.1f}" for load in self.loads)


def take_turns(
    task: Task, kinds: tuple[str, ...], device: torch.device, their_chunks: int | None, work=None
) -> Turns:
    """Run both sides in turn; `reference` is one of the `kinds`.

    Parameters
    ----------
    their_chunks : int or None
        How many of the chunks the paper's code is run on, in all turns together; None is all.
    work : Work, optional
        What a chunk of the paper's costs beside its evaluations, for scaling.
    """
    turns = Turns([], {kind: [] for kind in kinds}, [], [])
    for turn in range(TURNS):
        for kind in kinds:
            turns.ours[kind].append(run_engine(task, kind, device))
        chunks = turns.ours["reference"][0].chunks
        part = chosen(chunks, their_chunks)[turn::TURNS]
        found = [task.paper.run(chunk.start, chunk.stop, MAX_CHANGE) for chunk in part]
        if found:
            turns.their_seconds.append(scaled_seconds(Sides(found, chunks), work)[0])
            turns.theirs.extend(found)
        else:  # fewer chunks than turns
            turns.their_seconds.append(turns.their_seconds[-1])
        turns.loads.append(os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"))
    turns.theirs.sort(key=lambda chunk: chunk.start)
    return turns


def chosen(chunks: tuple, count: int | None) -> list:
    """Return all chunks, or `count` that lie evenly among them."""
    if count is None or count >= len(chunks):
        return list(chunks)
    return [chunks[(2 * n + 1) * len(chunks) // (2 * count)] for n in range(count)]


def spread(values: list[float], places: int = 1) -> str:
    """Return the median with the least and the greatest: "10.2 (9.8 to 11.0)"."""
    low, middle, high = (f"{v:.{places}f}" for v in (min(values), median(values), max(values)))
    return f"{middle} ({low} to {high})"
