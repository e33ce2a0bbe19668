"""From found lambdas to evidence: what each search means in the body, as soon as it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ..scans.grid import PreparedScan
from .chunks import chunk_ranges
from .region import PreparedRegion
from .result import ChunkHeatmap, Outcome
from .run import Run
from .search import stopping
from .search.found import Found
from .search.logit import logit
from .steps import CHUNK, WHOLE, Step
from .write_back import chunk_heatmap

ChunkCallback = Callable[[Outcome, ChunkHeatmap], None]


@dataclass(frozen=True)
class Evidence:
    """What all searches of a run have found.

    Parameters
    ----------
    whole : Outcome or None
        Of all slices together; None in mode `chunks`.
    chunks : tuple of Outcome
        Of each chunk; empty in mode `whole`.
    heatmaps : tuple of ChunkHeatmap
        One per chunk.
    change : numpy.ndarray
        (K, J, I), 0..1 intensities: the change to show, the whole search's, or without one that of
        all chunks together.
    seconds : float
        That the searches took.
    """

    whole: Outcome | None
    chunks: tuple[Outcome, ...]
    heatmaps: tuple[ChunkHeatmap, ...]
    change: np.ndarray
    seconds: float

    @property
    def shown(self) -> tuple[Outcome, ...]:
        """The outcomes whose changes make up the counterfactual."""
        return (self.whole,) if self.whole else self.chunks

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every outcome, the whole one first."""
        return (*((self.whole,) if self.whole else ()), *self.chunks)


def collect_evidence(
    run: Run,
    prepared: PreparedScan,
    region: PreparedRegion | None = None,
    on_chunk: ChunkCallback | None = None,
) -> Evidence:
    """Search all that the mode asks for, and put each find in its place in the body.

    Parameters
    ----------
    prepared : PreparedScan
        Where the run's slices lie.
    region : PreparedRegion, optional
        Its outside has no evidence.
    on_chunk : callable, optional
        Is told of each chunk as soon as it is searched, before the chunk's event.
    """
    started = perf_counter()
    settings, slices = run.settings, prepared.slices
    ranges = [] if settings.mode == "whole" else chunk_ranges(slices, settings.chunk)
    # Each of the two kinds of search looks at all slices.
    to_search = slices * ((settings.mode != "chunks") + (settings.mode != "whole"))
    whole: Outcome | None = None
    shown: np.ndarray | None = None
    if settings.mode != "chunks":
        part = slices / to_search
        run.reporter.begin("Searching the whole volume", WHOLE.begin, WHOLE.at(part))
        whole = as_outcome(run.search(0, slices), prepared, 0, slices, settings.direction)
        shown = run.change_at(whole.lam, 0, slices)
        _report(run, WHOLE, "Whole volume", whole, part)
    chunks, heatmaps = [], []
    together = np.zeros(prepared.volume.shape, np.float32)
    for number, (start, stop) in enumerate(ranges, start=1):
        done, part = (1 - (slices - end) / to_search for end in (start, stop))
        name = f"Chunk {number} of {len(ranges)}, slices {start}-{stop}"
        run.reporter.begin(
            f"Searching chunk {number} of {len(ranges)}", CHUNK.at(done), CHUNK.at(part)
        )
        outcome = as_outcome(run.search(start, stop), prepared, start, stop, settings.direction)
        together[start:stop] = run.change_at(outcome.lam, start, stop)
        heatmap = chunk_heatmap(
            prepared, together[start:stop], outcome, settings.level_edges, region
        )
        chunks.append(outcome)
        heatmaps.append(heatmap)
        if on_chunk is not None:
            on_chunk(outcome, heatmap)
        _report(
            run,
            CHUNK,
            name,
            outcome,
            part,
            number=number,
            of=len(ranges),
        )
    change = together if shown is None else shown
    return Evidence(whole, tuple(chunks), tuple(heatmaps), change, perf_counter() - started)


def as_outcome(
    found: Found, prepared: PreparedScan, start: int, stop: int, direction: str
) -> Outcome:
    """Return what was found for slices [start, stop) with its place in the body."""
    return Outcome(
        start=start,
        stop=stop,
        slab_mm=prepared.slab_mm(start, stop),
        lam=found.point.lam,
        score_before=found.path[0].score,  # every search begins at lambda = 0
        score_after=found.point.score,
        stop_reason=found.stop_reason,
        change=found.point.change,
        path=found.path,
        direction=direction,
    )


def _report(run: Run, step: Step, name: str, outcome: Outcome, part: float, **data: int) -> None:
    told = f"score {outcome.score_before:.4g} -> {outcome.score_after:.4g}"
    if run.models.logit:
        before, after = logit(outcome.score_before), logit(outcome.score_after)
        told += f", logit {before:.3g} -> {after:.3g}"
    if outcome.stop_reason == stopping.OUTSIDE_REGION:
        told = "not searched"
    run.reporter.report(
        step.name,
        f"{name}: {told} ({outcome.stop_reason})",
        step.at(part),
        start=outcome.start,
        stop=outcome.stop,
        **{"lambda": outcome.lam},
        direction=outcome.direction,
        score_before=outcome.score_before,
        score_after=outcome.score_after,
        stop_reason=outcome.stop_reason,
        change=outcome.change,
        slab_mm=list(outcome.slab_mm),
        evaluations=outcome.evaluations,
        **data,
    )
