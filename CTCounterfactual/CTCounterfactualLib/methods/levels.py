"""Label maps of any method's values: shares of the strongest ones, each sign by itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..scans.pieces import pieces

# Shares of the strongest value at which levels begin; as many as the levels of a change in HU.
EDGES = (0.10, 0.25, 0.50, 0.75, 0.90)
# "The strongest": this percentile of |values| that aren't 0. Gradients have single voxels far above
# all others.
STRONGEST_PERCENTILE = 99.9


@dataclass(frozen=True)
class Level:
    """One label: its voxel value, its name, and the signed values that it stands for."""

    label: int
    name: str
    low: float
    high: float


def strongest(values: np.ndarray) -> float:
    """Return the size of the strongest values (`STRONGEST_PERCENTILE`); 0 where all are 0."""
    sizes = np.abs(values[values != 0])
    return float(np.percentile(sizes, STRONGEST_PERCENTILE)) if sizes.size else 0.0


def value_levels(top: float) -> tuple[Level, ...]:
    """Return the levels of values up to `top`: first the negative ones, weakest first."""
    found: list[Level] = []
    for sign, word in ((-1, "against"), (1, "for")):
        for low, high in pairwise((*EDGES, np.inf)):
            span = f"> {low:.0%}" if np.isinf(high) else f"{low:.0%}-{high:.0%}"
            ends = sorted((sign * low * top, sign * high * top if top else sign * np.inf))
            found.append(Level(len(found) + 1, f"{word} the score, {span} of the strongest", *ends))
    return tuple(found)


def label_values(values: np.ndarray, top: float) -> np.ndarray:
    """Label values (K, J, I) by the levels of `value_levels(top)`: uint8, 0 for the weakest."""
    labels = np.zeros(values.shape, np.uint8)
    if top <= 0:
        return labels
    edges = np.array(EDGES) * top
    for part in pieces(values.shape):
        level = np.digitize(np.abs(values[part]), edges).astype(np.uint8)
        rises = (values[part] > 0) & (level > 0)
        labels[part] = np.where(rises, level + np.uint8(len(EDGES)), level)
    return labels
