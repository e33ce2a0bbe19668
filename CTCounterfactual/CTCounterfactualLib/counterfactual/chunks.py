"""Chunks: which slices are searched together, and the search over one range of slices."""

from __future__ import annotations

from .aim import Aim, aim_of
from .search import stopping
from .search.adaptive import Pace, adaptive_search
from .search.found import Found
from .search.goal import AdaptiveGoal
from .search.reference import reference_search
from .settings import FLIP
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
    workspace: Workspace, start: int, stop: int, pace: Pace | None = None, aim: Aim | None = None
) -> Found:
    """Search lambda for slices [start, stop), all others fixed, as the settings ask.

    Slices that have nothing in the region are not searched. A chunk alone seldom gets to the `aim`
    (None: what settings and target ask for); it then ends at the limit. `pace` carries what one
    adaptive search learned about its steps on to the next.
    """
    settings = workspace.settings
    evaluate = workspace.evaluator(start, stop)
    if not workspace.may_change(start, stop):
        point = evaluate(0.0)
        return Found(point, stopping.OUTSIDE_REGION, (point,))
    if not workspace.has_gradient(start, stop):
        point = evaluate(0.0)
        return Found(point, stopping.NO_GRADIENT, (point,))
    target = workspace.models.classifier.find_target(workspace.models.target)
    if settings.search == "reference":
        return reference_search(evaluate, settings.direction, settings.max_change, target.unit)
    aim = aim or aim_of(settings, target, workspace.score)
    farthest = workspace.farthest_step(start, stop)
    goal = AdaptiveGoal(
        settings.direction,
        settings.max_change,
        aim.score,
        settings.max_evaluations,
        farthest,
        workspace.models.logit,
        stopping.DECISION_CHANGED if aim.goal == FLIP else stopping.TARGET_REACHED,
        stopping.NO_GRADIENT if farthest < workspace.reach else stopping.STEP_LIMIT,
    )
    return adaptive_search(
        evaluate,
        workspace.first_step(start, stop),
        goal,
        pace,
        keep=lambda point: workspace.keep(point.lam, start, stop),
    )
