"""Whether the score hangs on what a map marks: deletion and insertion.

Going through the body from the map's strongest place to its weakest, blocks of voxels are replaced
by a baseline b (deletion), or put into b (insertion), and the score is taken at each step:

    deletion   area under (f(step) - f(b)) / (f(x) - f(b)) over the share that is replaced: low if
               the first places carry the score
    insertion  the same over the share that is put in: high if they do

After Petsiuk, Das, Saenko, "RISE" (BMVC 2018), where single pixels are replaced and the score is a
probability; here blocks, that no pattern of voxels counts, and scores without bounds, so they are
scaled by both ends. `..._chance` is what blocks in random order get. Not defined where the baseline
scores as the scan does. Steps are finer at the strong end: a finding is a few percent of a body.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from .blocks import blocks_of

STEPS = 10
# Of the baseline: so wide that a lung lobe keeps its grey and loses its form.
BLUR_MM = 20.0
# The ends of the curve must differ by this share of the greater score.
LEAST_SPAN = 1e-3
_SHARES = (np.arange(STEPS + 1) / STEPS) ** 2

Score = Callable[[np.ndarray], float]


def blurred(volume: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return the baseline: a volume (K, J, I) smoothed by `BLUR_MM`."""
    return ndimage.gaussian_filter(volume, [BLUR_MM / step for step in spacing[::-1]])


def removal(
    evidence: np.ndarray,
    volume: np.ndarray,
    body: np.ndarray,
    spacing: tuple[float, float, float],
    score: Score,
    seed: int = 0,
    baseline: np.ndarray | None = None,
) -> dict[str, float]:
    """Return `deletion` and `insertion`, each with its `..._chance`; nothing if not defined.

    Takes 2 + 4 (`STEPS` - 1) scores.

    Parameters
    ----------
    evidence : numpy.ndarray
        (K, J, I) of the prepared grid, any unit; signs don't count.
    volume : numpy.ndarray
        (K, J, I), 0..1: the prepared scan.
    body : numpy.ndarray
        (K, J, I), bool: what takes part.
    spacing : tuple of float
        (I, J, K) mm.
    score : callable
        Of a volume (K, J, I).
    seed : int
        Of the random order.
    baseline : numpy.ndarray, optional
        (K, J, I), 0..1; None is the volume, blurred.
    """
    if not body.any() or not evidence.any():
        return {}
    baseline = blurred(volume, spacing) if baseline is None else baseline
    baseline = np.where(body, baseline, volume).astype(np.float32)
    top, bottom = score(volume), score(baseline)
    if abs(top - bottom) <= LEAST_SPAN * max(abs(top), abs(bottom)):
        return {}
    blocks = blocks_of(body, spacing)
    sizes, count = blocks.sizes, blocks.count
    strength = blocks.means(np.abs(evidence))
    random = np.random.default_rng(seed).permutation(count)
    found = {}
    for suffix, order in (("", np.argsort(-strength, kind="stable")), ("_chance", random)):
        reached = np.cumsum(sizes[order]) / sizes.sum()  # share once a block is done
        rank = np.empty(count)
        rank[order] = reached
        when = np.where(body, rank[blocks.number], np.inf)
        deleted = _curve(when, volume, baseline, score)
        inserted = _curve(when, baseline, volume, score)
        found[f"deletion{suffix}"] = _area([top, *deleted, bottom], top, bottom)
        found[f"insertion{suffix}"] = _area([bottom, *inserted, top], top, bottom)
    return found


def _curve(when: np.ndarray, begun: np.ndarray, put: np.ndarray, score: Score) -> list[float]:
    """Return the scores as `put` takes the place of `begun`, without both ends."""
    return [score(np.where(when <= share, put, begun)) for share in _SHARES[1:-1]]


def _area(curve: list[float], top: float, bottom: float) -> float:
    """Return the area under a curve scaled to 1 at `top` and 0 at `bottom`, by trapezia."""
    scaled = (np.array(curve) - bottom) / (top - bottom)
    return float((np.diff(_SHARES) * (scaled[1:] + scaled[:-1]) / 2).sum())
