"""Chunks: which slices are searched together, and the search over one range of slices."""

from __future__ import annotations

from ..scans.grid import PreparedScan
from .result import Outcome
from .search import stopping
from .search.adaptive import Pace, adaptive_search
from .search.found import Found
from .search.goal import AdaptiveGoal
from .search.reference import reference_search
from .workspace import Workspace


def chunk_ranges(slices: int, chunk: int) -> list[tuple[int, int]]:
    """Split `slices` into ranges [start, stop) of `chunk` slices from foot to head.

    The last chunk takes what is left; if that is less than half a chunk, it joins the one before,
    because a sliver can hardly move a score and would read as "no evidence here".
    """
    starts = list(range(0, slices, chunk))
    if len(starts) > 1 and slices - starts[-1] < chunk / 2:
        starts.pop()
    return list(zip(starts, [*starts[1:], slices], strict=True))


def search_range(
    workspace: Workspace,
    prepared: PreparedScan,
    start: int,
    stop: int,
    pace: Pace | None = None,
) -> Outcome:
    """Search lambda for slices [start, stop), all others fixed, as the settings ask.

    Slices that have nothing in the region are not searched. `pace` carries what one adaptive
    search learned about its steps on to the next.
    """
    found = _search(workspace, start, stop, pace)
    return Outcome(
        start=start,
        stop=stop,
        slab_mm=prepared.slab_mm(start, stop),
        lam=found.point.lam,
        score_before=workspace.score,
        score_after=found.point.score,
        stop_reason=found.stop_reason,
        change=found.point.change,
        path=found.path,
        direction=workspace.settings.direction,
    )


def _search(workspace: Workspace, start: int, stop: int, pace: Pace | None) -> Found:
    settings = workspace.settings
    evaluate = workspace.evaluator(start, stop)
    if not workspace.may_change(start, stop):
        point = evaluate(0.0)
        return Found(point, stopping.OUTSIDE_REGION, (point,))
    if not workspace.has_gradient(start, stop):
        point = evaluate(0.0)
        return Found(point, stopping.NO_GRADIENT, (point,))
    if settings.search == "reference":
        unit = workspace.classifier.find_target(workspace.target).unit
        return reference_search(evaluate, settings.direction, settings.max_change, unit)
    goal = AdaptiveGoal(
        settings.direction, settings.max_change, settings.target_score, settings.max_evaluations,
        workspace.farthest_step(start, stop),
    )
    return adaptive_search(evaluate, workspace.first_step(start, stop), goal, pace)
