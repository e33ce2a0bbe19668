"""Where a finding lies, in words."""

from __future__ import annotations

import numpy as np

from .hemithorax import Hemithorax

# Of thirds of the lung, from the first to the last along K and J.
HEIGHTS = ("lower", "middle", "upper")
DEPTHS = ("posterior", "central", "anterior")


def place_of(side: Hemithorax, cover: np.ndarray) -> str:
    """Return side, height and depth of a finding: "right, lower, posterior".

    Parameters
    ----------
    cover : numpy.ndarray
        (K, J, I) of the side's box, 0..1.
    """
    words = [side.side]
    for axis, names in ((0, HEIGHTS), (1, DEPTHS)):
        others = tuple(a for a in range(3) if a != axis)
        lung = np.flatnonzero(side.space.lung.any(axis=others))
        held = cover.sum(axis=others, dtype=float)
        middle = float((held * np.arange(len(held))).sum() / max(held.sum(), 1e-9))
        share = (middle - lung[0]) / max(lung[-1] - lung[0], 1)
        words.append(names[int(np.clip(share * len(names), 0, len(names) - 1))])
    return ", ".join(words)
