"""The answer for a spot: each way to replace it, scored, and the same at the control spots."""

from __future__ import annotations

import numpy as np

from ...counterfactual.direction import DECREASE
from ...counterfactual.scale import gain_on_scale, scale_unit
from ...counterfactual.within import confine
from ..method import Found, Request
from .answer import Replacement, SpotAnswer, percentile_of, sentence_of
from .mirror import find_plane
from .place import Spot, asked_spot, control_spots, point_of
from .ways import Scored, replacing

# Shares of a run's time.
BEGIN, END = 0.35, 0.95


def answer(request: Request) -> Found:
    """Replace the spot and the control spots in all ways, and score each."""
    options, prepared = request.options, request.prepared
    place = confine(prepared, request.settings, None, request.reporter.check)
    allowed = np.ones_like(prepared.volume) if place is None else place.weight
    asked = asked_spot(prepared, allowed, options.point, options.radius_mm)
    rng = np.random.default_rng(request.settings.seed)
    others = control_spots(prepared, allowed, asked, options.radius_mm, options.controls, rng)
    plane = find_plane(prepared, asked)
    with replacing(request, allowed, plane) as ways:
        score = float(request.score(request.x)[0])
        spots = [asked, *others]
        scored: dict[str, list[Scored]] = {kind: [] for kind in ways.kinds}
        for number, spot in enumerate(spots):
            request.reporter.check()
            for kind, found in ways.scores(spot).items():
                scored[kind].append(found)
            name = f"control spot {number} of {len(others)}" if number else "the spot"
            request.reporter.report(
                "spot",
                f"Replaced {name}",
                BEGIN + (END - BEGIN) * (number + 1) / len(spots),
                number=number,
                of=len(others),
            )
    replacements = tuple(
        _replacement(request, kind, score, found) for kind, found in scored.items()
    )
    unit = scale_unit(request.target.unit)
    told = SpotAnswer(
        at=options.point,
        radius_mm=options.radius_mm,
        ml=round(float(asked.weight.sum()) * float(np.prod(prepared.spec.spacing)) * 1e-3, 3),
        score=score,
        unit=unit,
        replacements=replacements,
        control_spots=tuple(point_of(prepared, spot.centre) for spot in others),
        mirror_r=None if plane is None else point_of(prepared, plane.centre)[0],
        sentence=sentence_of(replacements, unit),
    )
    return Found(
        _map(allowed.shape, spots, scored, score, request),
        facts={"spot": told.to_facts()},
        parts={"spot": asked.on_grid(allowed.shape) > 0},
        autoencoder=ways.autoencoder,
    )


def _effect(request: Request, before: float, after: float) -> float:
    """Return how far a replacement lowers the score, on the scale of its unit."""
    return gain_on_scale(request.target.unit, DECREASE, before, after)


def _replacement(request: Request, kind: str, score: float, found: list[Scored]) -> Replacement:
    """Return one way to replace the spot (the first of those found) beside the control spots."""
    (after, reason), *others = found
    controls = tuple(_effect(request, score, other) for other, _ in others if other is not None)
    if after is None:
        return Replacement(kind, controls=controls, reason=reason)
    effect = _effect(request, score, after)
    return Replacement(kind, after, effect, percentile_of(effect, controls), controls)


def _map(
    shape: tuple[int, ...],
    spots: list[Spot],
    scored: dict[str, list[Scored]],
    score: float,
    request: Request,
) -> np.ndarray:
    """Return the effects of the spots in their places: (K, J, I); the stronger where two meet."""
    values = np.zeros(shape, np.float32)
    kind = next(kind for kind in scored)
    for spot, (after, _) in zip(reversed(spots), reversed(scored[kind]), strict=True):
        if after is None:
            continue
        effect = _effect(request, score, after) * spot.weight
        here = values[spot.box]
        values[spot.box] = np.where(np.abs(effect) > np.abs(here), effect, here)
    return values
