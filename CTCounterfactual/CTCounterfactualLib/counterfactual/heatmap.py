"""Heatmaps: signed changes in HU binned into labels with a physical meaning."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..scans.modality import UNIT_OF_CT
from ..scans.pieces import pieces
from .result import HeatLevel

_INT16 = np.iinfo(np.int16)


def heat_levels(edges: tuple[float, ...], unit: str = UNIT_OF_CT) -> tuple[HeatLevel, ...]:
    """Return the labels of a heatmap: first the decreases, weakest first, then the increases.

    With edges (10, 25): 1 = decrease 10-25 HU, 2 = decrease > 25 HU, 3 = increase 10-25 HU,
    4 = increase > 25 HU. Label 0 is "changed by less than 10 HU".
    """
    bounds = [*edges, np.inf]
    levels: list[HeatLevel] = []
    for sign, word in ((-1, "decrease"), (1, "increase")):
        for low, high in pairwise(bounds):
            span = f"> {low:.4g}" if np.isinf(high) else f"{low:.4g}-{high:.4g}"
            low_hu, high_hu = (low, high) if sign > 0 else (-high, -low)
            levels.append(HeatLevel(len(levels) + 1, f"{word} {span} {unit}", low_hu, high_hu))
    return tuple(levels)


def label_change(difference: np.ndarray, edges: tuple[float, ...]) -> np.ndarray:
    """Label each voxel's change by its level.

    Parameters
    ----------
    difference : numpy.ndarray
        Any shape, signed HU.
    edges : tuple of float
        |change| in HU at which each level begins; a change of exactly an edge is in the level
        that begins there.

    Returns
    -------
    numpy.ndarray
        Same shape, uint8: labels of `heat_levels(edges)`, 0 for less than the first edge.
    """
    labels = np.empty(difference.shape, np.uint8)
    if difference.dtype != np.int16:
        for part in pieces(difference.shape):
            labels[part] = _labels(difference[part], edges)
        return labels
    # There are fewer int16 values than voxels in a slice: each value's label is looked up.
    of_value = _labels(np.arange(_INT16.min, _INT16.max + 1), edges)
    for part in pieces(difference.shape):
        labels[part] = of_value[difference[part].astype(np.int32) - _INT16.min]
    return labels


def _labels(difference: np.ndarray, edges: tuple[float, ...]) -> np.ndarray:
    level = np.digitize(np.abs(difference), edges).astype(np.uint8)  # 0 .. len(edges)
    rises = (difference > 0) & (level > 0)
    return np.where(rises, level + np.uint8(len(edges)), level)
