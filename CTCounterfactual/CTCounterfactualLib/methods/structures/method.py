"""Structures as a method: which of them carry the score, alone and together.

The counterfactual of the whole scan is found first. Which structures matter follows to first order
from gradient and change; each of those is then searched alone, from the same gradient, and replaced
by its part of the counterfactual, in all sets of structures or in sampled orders, for its Shapley
value. Whatever is in no such structure is one more player, "everything else", so that the values
sum to all that the counterfactual gains.

S(H)NAP (2026) attributes a risk score to findings that a diffusion model removes; here a structure
is replaced by a counterfactual of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...counterfactual.result import Flag
from ...limits import POSITIVE, Limit
from ...setting import setting
from ..method import COUNTERFACTUAL, Found, Method, Needs, Options, Request

if TYPE_CHECKING:
    from ..counterfactual_run import Whole
    from .segments import Segments
    from .table import StructureTable

# More are neither read as a table nor scored in all sets.
MOST_STRUCTURES = 30
REPLACEMENTS = {
    "part": "its part of the counterfactual of the whole scan",
    "own": "its own counterfactual, searched in it alone",
}
ELSEWHERE_FLAG = "mostly-elsewhere"
# Everything else carries so much that the structures don't explain the score.
MOSTLY = 0.5


@dataclass(frozen=True)
class StructuresOptions(Options):
    """Which structures, and how they are compared."""

    segments: str | None = setting(
        None,
        "label map of structures, or a segmentation of Slicer's (none: the lungs, found here)",
        "Segments",
    )
    names: str | None = setting(
        None,
        "names of the labels: a table (CSV, JSON), or totalsegmentator; none: a table beside the "
        "label map, or its header",
        "Names",
    )
    most: int = setting(
        12,
        "most structures that are searched, by gradient x change",
        "Structures",
        limit=Limit(1, MOST_STRUCTURES),
    )
    alone: bool = setting(True, "search each of these alone, too", "Each alone")
    calls: int = setting(
        512,
        "most scores for the Shapley values; exact if these are enough",
        "Calls",
        limit=POSITIVE,
    )
    replacement: str = setting(
        "part",
        f"what replaces a structure: {'; '.join(f'{k}, {v}' for k, v in REPLACEMENTS.items())}",
        "Replaced by",
        choices=REPLACEMENTS,
    )


def run(request: Request) -> Found:
    """Find the table of structures; the map spreads each structure's share over what changed."""
    from ..counterfactual_run import whole_counterfactual
    from .compare import compare_structures
    from .segments import lungs_of, read_segments

    options: StructuresOptions = request.options
    prepared = request.prepared
    if options.segments:
        segments = read_segments(options.segments, prepared, options.names)
    else:
        segments = lungs_of(prepared)
    with whole_counterfactual(request) as whole:
        table, values, parts = compare_structures(request, whole, segments)
    return Found(
        values,
        facts={"structures": table.to_facts()},
        flags=tuple(_flags(table, whole, segments)),
        parts=parts,
        autoencoder=whole.autoencoder,
    )


def _flags(table: StructureTable, whole: Whole, segments: Segments):
    from .table import ELSEWHERE_LABEL

    if table.gain <= 0:
        yield Flag(
            "score-did-not-move",
            f"No counterfactual moved the score the wanted way ({whole.outcome.stop_reason}), so "
            f"no structure can be told to carry it.",
        )
    for row in table.rows:
        if row.label == ELSEWHERE_LABEL and (row.share or 0) > MOSTLY:
            yield Flag(
                ELSEWHERE_FLAG,
                f"{row.share:.0%} of the score is carried by what is in none of the structures "
                f"that were compared. Give a label map with more structures, or look at the "
                f"counterfactual itself.",
            )
    if segments.overlapping_ml > 0:
        yield Flag(
            "segments-overlap",
            f"{segments.overlapping_ml:.4g} mL belong to several segments; they were given to the "
            f"first of them.",
        )


METHOD = Method(
    name="structures",
    description="Which anatomical structures carry the score: each searched alone, and Shapley "
    "values of replacing it by its counterfactual",
    sign="positive: replacing the structure by its counterfactual moves the score the wanted way; "
    "its share is spread over what changed in it, in share per voxel",
    needs=Needs(gradient=True, autoencoder=True),
    run=run,
    options=StructuresOptions,
    source="Shapley LS. A value for n-person games. 1953. Grabisch M, Roubens M. 1999 "
    "(interactions).",
    group=COUNTERFACTUAL,
    searches=True,
    columns=("name", "share", "alone", "ml", "changed_ml", "mean_change_hu"),
)
