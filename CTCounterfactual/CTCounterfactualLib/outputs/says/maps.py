"""Sentences on a method's map: the score, where its strongest values lie."""

from __future__ import annotations

import numpy as np

from ...methods.attribution import Attribution
from ...methods.levels import EDGES, strongest
from ..map_words import answer
from ..numbers import amount, fixed, percent
from .moved import MM3_PER_ML

# The strongest values are those above this share of the strongest.
STRONG = EDGES[2]


def where_of_map(found: Attribution) -> tuple[list[str], list[str]]:
    """Return the sentences on what the map is of, and on where it is strongest."""
    what = [answer(found)]
    top = strongest(found.values)
    if top <= 0:
        return [*what, "0 voxels have a value other than 0."], []
    grid = found.scan.ijk_to_ras()
    at = np.argwhere(found.values >= STRONG * top)  # (n, 3), K first
    if not len(at):
        return what, ["0 voxels speak for the score as strongly as others speak against it."]
    places = at[:, ::-1] @ grid[:3, :3].T + grid[:3, 3]
    ml = len(at) * abs(float(np.linalg.det(grid[:3, :3]))) / MM3_PER_ML
    corners = np.array([[0, 0, 0, 1], [*(n - 1 for n in found.scan.size), 1]], float)
    middle = float((corners @ grid.T)[:, 0].mean())
    left = float((places[:, 0] < middle).mean())
    low, high = (fixed(float(edge), 0) for edge in (places[:, 2].min(), places[:, 2].max()))
    where = [
        f"{amount(ml, 3)} mL have at least {percent(STRONG)} of the strongest value for the score, "
        f"between S {low} and S {high} mm.",
        f"{percent(round(left, 2))} of them lie on the patient's left, "
        f"{percent(round(1 - left, 2))} on the right of the scan's middle (R {fixed(middle, 0)} "
        f"mm).",
    ]
    return what, where
