"""From label map and counterfactual to the table of structures."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from ...counterfactual.composite import NOISE_HU
from ...counterfactual.direction import sign
from ...counterfactual.scale import gain_on_scale, scale_unit
from ..counterfactual_run import SEARCHED, Whole
from ..method import Request
from .replaced import Part, Replaced, part_of, soft_mask
from .segments import Segments
from .shapley import Shapley, shapley_values
from .table import (
    ELSEWHERE,
    ELSEWHERE_LABEL,
    Interaction,
    StructureRow,
    StructureTable,
    sentence_of,
)

# A structure whose share of |gradient x change| is less doesn't matter.
LEAST_SHARE = 0.01
# What no file's name may hold everywhere.
_UNFIT = re.compile(r"[^\w .,()+-]")
# Shares of a run's time.
BEGIN, ALONE, COMPARED = SEARCHED, 0.6, 0.95


def compare_structures(
    request: Request, whole: Whole, segments: Segments
) -> tuple[StructureTable, np.ndarray, dict[str, np.ndarray]]:
    """Return the table, the map of shares (K, J, I), and the masks of what was searched."""
    options, run = request.options, whole.run
    labels = np.where(whole.weight > 0, segments.labels, -1)  # outside the body: none
    rows = _by_first_order(request, whole, segments, labels)
    matter = [
        row for row in rows if row.label != ELSEWHERE_LABEL and row.first_order_share >= LEAST_SHARE
    ][: options.most]
    chosen = {row.label for row in matter}
    rest = (labels >= 0) & ~np.isin(labels, list(chosen))
    masks = [labels == row.label for row in matter] + [rest]
    players = [*matter, _rest_row(rows, chosen, rest, request)]
    spacing = request.prepared.spec.spacing
    searched: list[StructureRow] = []
    parts: list[Part] = []
    for number, (player, mask) in enumerate(zip(players, masks, strict=True)):
        row = replace(player, searched=True)
        weight = soft_mask(mask, spacing) * whole.weight
        change = weight * whole.change
        begun = BEGIN + (ALONE - BEGIN) * number / len(players)
        request.reporter.begin(f"Searching {row.name} alone", begun, begun)
        own_replaces = options.replacement == "own"
        if own_replaces or (options.alone and row.label != ELSEWHERE_LABEL):
            row, own = _alone(request, whole, row, weight)
            change = own if own_replaces else change
            request.reporter.report(
                "structure",
                f"{row.name}: alone it moves the score by {row.alone:.4g}",
                BEGIN + (ALONE - BEGIN) * (number + 1) / len(players),
                name=row.name,
                alone=row.alone,
            )
        searched.append(row)
        parts.append(part_of(change))
    request.reporter.begin("Scoring the structures' replacements", ALONE, COMPARED)
    game = Replaced(run, request.prepared.volume, parts, run.encoded.original_score)
    rng = np.random.default_rng(request.settings.seed)
    found = shapley_values(game, len(players), options.calls, rng)
    everything = 2 ** len(players) - 1
    request.reporter.report(
        "compared", f"Shapley values of {len(players)} structures: {found.asked} scores", COMPARED
    )
    gain = game(everything)
    valued = [_valued(row, found, number, gain) for number, row in enumerate(searched)]
    ordered = sorted(valued, key=lambda row: -(row.share or 0.0))
    others = [row for row in rows if row.label not in chosen | {ELSEWHERE_LABEL}]
    present = {row.label for row in rows}
    table = StructureTable(
        unit=scale_unit(run.unit),
        score=run.encoded.original_score,
        score_replaced=game.score(everything),
        gain=gain,
        exact=found.exact,
        scored=found.asked,
        rows=(*ordered, *others),
        interactions=_interactions(searched, found),
        sentence=sentence_of(tuple(ordered), gain, found.exact),
        left_out=tuple(name for label, name in segments.names.items() if label not in present),
        overlapping_ml=segments.overlapping_ml,
    )
    values = _spread(valued, parts, labels.shape)
    names = _file_names([row.name for row in matter])
    return table, values, dict(zip(names, masks[:-1], strict=True))


def _file_names(names: list[str]) -> list[str]:
    """Return names that can be files', each another one."""
    found: list[str] = []
    for name in names:
        plain = _UNFIT.sub("_", name).strip(" .") or "structure"
        number, unique = 2, plain
        while unique.lower() in (other.lower() for other in found):
            unique, number = f"{plain} {number}", number + 1
        found.append(unique)
    return found


def _by_first_order(
    request: Request, whole: Whole, segments: Segments, labels: np.ndarray
) -> list[StructureRow]:
    """Return a row a structure, with its share of |gradient x change|, largest first."""
    gradient = whole.run.encoded.image_gradient
    assert gradient is not None
    wanted = sign(request.settings.direction)
    product = wanted * gradient[:, 0].cpu().numpy() * whole.change
    inside = labels >= 0
    count = max(int(labels.max()), *segments.names, 0) + 1
    sums = np.abs(np.bincount(labels[inside], product[inside], count))
    voxels = np.bincount(labels[inside], minlength=count)
    total = sums.sum()
    voxel_ml = _voxel_ml(request)
    names = {ELSEWHERE_LABEL: ELSEWHERE, **segments.names}
    rows = [
        StructureRow(
            label,
            name,
            round(float(voxels[label]) * voxel_ml, 2),
            float(sums[label] / total) if total > 0 else 0.0,
        )
        for label, name in names.items()
        if voxels[label]
    ]
    return sorted(rows, key=lambda row: -row.first_order_share)


def _rest_row(
    rows: list[StructureRow], chosen: set[int], rest: np.ndarray, request: Request
) -> StructureRow:
    """Return the row of what is in none of the chosen structures."""
    share = sum(row.first_order_share for row in rows if row.label not in chosen)
    ml = round(float(rest.sum()) * _voxel_ml(request), 2)
    return StructureRow(ELSEWHERE_LABEL, ELSEWHERE, ml, share)


def _alone(
    request: Request, whole: Whole, row: StructureRow, weight: np.ndarray
) -> tuple[StructureRow, np.ndarray]:
    """Search a structure alone: its row with what was found, and its change (K, J, I)."""
    run = whole.run.within(weight, whole.reach)
    found, start, stop = run.search_moving()
    change = np.zeros_like(whole.change)
    change[start:stop] = run.change_at(found.point.lam, start, stop)
    unit, direction = run.unit, request.settings.direction
    alone, all_of_it = (
        gain_on_scale(unit, direction, before, after)
        for before, after in (
            (found.path[0].score, found.point.score),
            (whole.outcome.score_before, whole.outcome.score_after),
        )
    )
    change_hu = change * request.prepared.spec.window.hu_per_unit
    changed = np.abs(change_hu) > NOISE_HU
    return replace(
        row,
        alone=alone,
        alone_share=alone / all_of_it if all_of_it > 0 else None,
        stop_reason=found.stop_reason,
        changed_ml=round(float(changed.sum()) * _voxel_ml(request), 2),
        mean_change_hu=round(float(change_hu[changed].mean()), 1) if changed.any() else 0.0,
    ), change


def _valued(row: StructureRow, found: Shapley, number: int, gain: float) -> StructureRow:
    value = float(found.values[number])
    return replace(
        row,
        shapley=value,
        low=float(found.low[number]),
        high=float(found.high[number]),
        share=value / gain if gain > 0 else None,
    )


def _interactions(rows: list[StructureRow], found: Shapley) -> tuple[Interaction, ...]:
    """Return all pairs that were told, the strongest first."""
    pairs = []
    for i, row in enumerate(rows):
        for j in range(i + 1, len(rows)):
            if np.isfinite(found.pairs[i, j]):
                low, high = float(found.pairs_low[i, j]), float(found.pairs_high[i, j])
                known = np.isfinite(low) and np.isfinite(high)
                pairs.append(
                    Interaction(
                        row.name,
                        rows[j].name,
                        float(found.pairs[i, j]),
                        low if known else None,
                        high if known else None,
                    )
                )
    return tuple(sorted(pairs, key=lambda pair: -abs(pair.value)))


def _spread(rows: list[StructureRow], parts: list[Part], shape: tuple[int, ...]) -> np.ndarray:
    """Spread each structure's share over its voxels by how much they changed: (K, J, I)."""
    values = np.zeros(shape, np.float32)
    for row, part in zip(rows, parts, strict=True):
        size = np.abs(part.change)
        total = float(size.sum(dtype=np.float64))
        if total > 0 and row.share:
            values[part.box] += (row.share / total) * size
    return values


def _voxel_ml(request: Request) -> float:
    return float(np.prod(request.prepared.spec.spacing)) * 1e-3
