"""Responsibility maps as a method: options, occlusion, search, explanations, what is said of them.

After 3D ReX (Navaratnarajah et al. 2025; Chockler, Kelly, Kroening, Sun: *Causal Explanations for
Image Classifiers*, 2024). Different here: the part that is searched is where scan and occlusion
differ; all passing mutants of a depth compete for the queue (there: those of the last box); boxes
end at a volume in mL; a score without a decision is kept by half of what occlusion takes from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...counterfactual.result import Flag
from ...errors import Cancelled, SettingsError
from ...limits import ABOVE_0, POSITIVE
from ...setting import setting
from ..method import CAUSAL, Found, Method, Needs, Options, Request
from ..occlusion import KINDS, check_occlusion

if TYPE_CHECKING:
    from .answer import Answer
    from .extract import Part
    from .search import Responsibility

# Steps of a run, as `counterfactual.steps` counts them, that the search and what follows take.
SEARCH_BEGINS, SEARCH_ENDS, EXTRACTED = 0.15, 0.85, 0.95
ML_PER_LITRE = 1000.0
# Scan and occlusion are the same where they differ by less: 1 HU of 2000.
LEAST_DIFFERENCE = 5e-4
# Connected parts of an explanation whose sizes are listed.
MOST_LISTED = 20
WEIGHTINGS = {
    "plain": "each the same",
    "score": "by the share of the score that is kept",
    "volume": "by how small the box is",
    "depth": "by how many cuts led to the box",
}


@dataclass(frozen=True)
class ResponsibilityOptions(Options):
    """How a responsibility map is searched."""

    occlusion: str | None = setting(
        None,
        f"what shows where nothing is kept: {', '.join(KINDS)}, a number in HU, or a scan's "
        "file; none: the counterfactual, or air for a black box",
        "Occlusion",
        check=check_occlusion,
    )
    iterations: int = setting(
        20, "times that the search begins anew with other cuts", "Iterations", limit=POSITIVE
    )
    depth: int = setting(10, "most cuts within each other", "Depth", limit=POSITIVE)
    queue: int = setting(
        1, "passing mutants of one depth that are cut further", "Queue", limit=POSITIVE
    )
    least_ml: float = setting(
        2.0, "boxes smaller than this aren't cut", "Smallest box", limit=ABOVE_0, unit="mL"
    )
    calls: int | None = setting(
        None, "most mutants that the search scores", "Calls", limit=POSITIVE
    )
    seconds: float | None = setting(None, "most time of the search", "Seconds", limit=ABOVE_0)
    weighting: str = setting(
        "plain",
        f"how passing mutants count: {', '.join(WEIGHTINGS)}",
        "Weighting",
        choices=WEIGHTINGS,
    )
    negative: bool = setting(
        False, "subtract the responsibility for the other answer", "Negative responsibility"
    )
    boundary: float | None = setting(
        None,
        "score that parts the answers; none: the target's threshold, or where that doesn't "
        "part scan and occlusion, half-way between them",
        "Boundary",
    )


def run(request: Request) -> Found:
    """Search the map, then take the explanations out of it; see `Found`."""
    import numpy as np
    import torch

    from ..occlusion import chosen_occlusion, occluded
    from .answer import Answer
    from .boxes import box_around
    from .extract import Extraction
    from .mutants import Mutants
    from .search import CANCELLED, Search

    options: ResponsibilityOptions = request.options
    occlusion = chosen_occlusion(request, options.occlusion)
    behind = occluded(request, occlusion)
    differing = np.abs(behind - request.prepared.volume) >= LEAST_DIFFERENCE
    behind = np.where(differing, behind, request.prepared.volume)
    root = box_around(differing)
    if root is None:
        raise SettingsError(
            f"The occlusion {occlusion!r} shows the scan itself: no voxel differs visibly. "
            f"Choose another one."
        )
    mutants = Mutants(
        request.score,
        request.x[0, 0],
        torch.from_numpy(behind).to(request.device),
        check=request.reporter.check,
    )
    shape = behind.shape
    original, nothing = mutants.of_masks([np.ones(shape, bool), np.zeros(shape, bool)])
    answer = Answer.of(float(original), float(nothing), request.target.threshold)
    if options.boundary is not None:
        answer = Answer(float(original), float(nothing), options.boundary)
    if answer.nothing_needed:
        return Found(
            np.zeros(shape, np.float32),
            facts={"occlusion": occlusion, **_facts(answer, mutants.calls, None, (), request)},
            flags=(_nothing_needed(occlusion, answer),),
        )

    def told(found: Responsibility) -> None:
        share = found.rounds / options.iterations
        request.reporter.report(
            "searched",
            f"Iteration {found.rounds} of {options.iterations}: {found.passing} of "
            f"{found.passing + found.failing} mutants kept the answer",
            SEARCH_BEGINS + share * (SEARCH_ENDS - SEARCH_BEGINS),
            iteration=found.rounds,
            of=options.iterations,
            calls=mutants.calls,
        )

    search = Search(
        mutants,
        answer,
        _effort(options, request.prepared.spec.voxel_litres),
        lambda number: np.random.default_rng((request.settings.seed, number)),
        stop=lambda: request.cancel.cancelled,
        told=told,
    )
    found = search.run(root)
    # Boxes hold more than what differs; a voxel that looks the same kept or not keeps no answer.
    values = np.where(differing, found.net if options.negative else found.positive, 0.0)
    partial = found.ended == CANCELLED
    if partial and not values.any():
        raise Cancelled()
    parts: tuple[Part, ...] = ()
    if not partial and values.any():
        parts = Extraction(mutants, answer, values).all()
        request.reporter.report(
            "extracted",
            f"Explanations taken out of the map, {mutants.calls} scores in all",
            EXTRACTED,
            calls=mutants.calls,
        )
    return Found(
        values,
        facts={"occlusion": occlusion, **_facts(answer, mutants.calls, found, parts, request)},
        flags=tuple(_flags(found, partial)),
        parts={part.kind: part.mask for part in parts},
        partial=partial,
    )


def _effort(options: ResponsibilityOptions, voxel_litres: float):
    from .search import Effort

    infinite = float("inf")
    return Effort(
        rounds=options.iterations,
        depth=options.depth,
        queue=options.queue,
        least_voxels=max(1, round(options.least_ml / (voxel_litres * ML_PER_LITRE))),
        calls=infinite if options.calls is None else options.calls,
        seconds=infinite if options.seconds is None else options.seconds,
        weighting=options.weighting,
    )


def _facts(
    answer: Answer,
    calls: int,
    found: Responsibility | None,
    parts: tuple[Part, ...],
    request: Request,
) -> dict[str, Any]:
    """Return what is known beside the map, plain JSON values; volumes in mL."""
    from .extract import component_sizes

    voxel_ml = request.prepared.spec.voxel_litres * ML_PER_LITRE
    told: dict[str, Any] = {
        "score_occluded": answer.occluded,
        "boundary": answer.boundary,
        "calls": calls,
    }
    if found is not None:
        told |= {
            "iterations": found.rounds,
            "passing": found.passing,
            "failing": found.failing,
            "deepest": found.deepest,
            "ended": found.ended,
            "searched_ml": round(found.root.voxels * voxel_ml, 1),
        }
    told["explanations"] = [
        {
            "kind": part.kind,
            "ml": round(int(part.mask.sum()) * voxel_ml, 2),
            "components_ml": [
                round(size * voxel_ml, 2) for size in component_sizes(part.mask)[:MOST_LISTED]
            ],
            "score": part.score,
            "score_without": part.score_without,
        }
        for part in parts
    ]
    return told


def _nothing_needed(occlusion: str, answer: Answer) -> Flag:
    return Flag(
        "occlusion-keeps-answer",
        f"Even with all of the scan occluded ({occlusion}) the score is {answer.occluded:.4g} "
        f"({answer.original:.4g} of the scan), so nothing of it is needed for the answer. Choose "
        f"another occlusion.",
    )


def _flags(found: Responsibility, partial: bool):
    if partial:
        yield Flag(
            "stopped-early",
            f"Cancelled in iteration {found.rounds}: the map is that of the search so far, and no "
            f"explanations were taken out of it.",
        )
    elif found.ended != "rounds":
        yield Flag(
            "stopped-early",
            f"The budget ({found.ended}) was spent in iteration {found.rounds}: more would make "
            f"the map smoother.",
        )


METHOD = Method(
    name="responsibility",
    description="Which parts, kept alone, keep the classifier's answer (after 3D ReX)",
    sign="positive: kept alone, or with few others, it keeps the classifier's answer; negative "
    "(only with negative responsibility): it goes with the other answer",
    needs=Needs(),
    run=run,
    options=ResponsibilityOptions,
    source="Navaratnarajah M, Martin SA, Kelly DA, Blake N, Chockler H. 3D ReX: Causal "
    "Explanations in 3D Neuroimaging Classification. 2025.",
    group=CAUSAL,
    searches=True,
)
