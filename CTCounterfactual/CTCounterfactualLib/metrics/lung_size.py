"""Whether a counterfactual of "smaller lung" is a smaller lung, and not haze inside it.

deep_share           share of the change's energy (its squares' sum) deeper than `DEEP_MM` in
                     the lung; a lung that shrinks changes at its border
lung_change_ml       volume of the lungs in x' minus that in x, mL: negative for smaller lungs
lung_change_true_ml  the same for the clean scan
"""

from __future__ import annotations

import numpy as np

from .neighbourhood import deeper_than, within

DEEP_MM = 9.0
# In the lung what is denser is a vessel or a bronchus, and so far around it what is mixed with it.
VESSEL_HU, VESSEL_RIM_MM = -600.0, 3.0


def deep_share(
    change: np.ndarray, lungs: np.ndarray, spacing: tuple[float, float, float]
) -> dict[str, float]:
    """Return `deep_share`; nothing if nothing changed.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I), HU.
    lungs : numpy.ndarray
        (K, J, I), bool: of the scan.
    spacing : tuple of float
        (I, J, K) mm.
    """
    return _share("deep_share", change, deeper_than(lungs, spacing, DEEP_MM))


def deep_haze_share(
    change: np.ndarray,
    lungs: np.ndarray,
    scan: np.ndarray,
    clean: np.ndarray,
    spacing: tuple[float, float, float],
) -> dict[str, float]:
    """Return `deep_haze_share`; nothing if nothing changed.

    Parameters
    ----------
    change, scan, clean : numpy.ndarray
        (K, J, I), HU; `clean` has the truly smaller lungs.
    lungs : numpy.ndarray
        (K, J, I), bool: of the scan.
    spacing : tuple of float
        (I, J, K) mm.
    """
    vessels = lungs & (np.maximum(scan, clean) > VESSEL_HU)
    rim = max(VESSEL_RIM_MM, *spacing)  # a voxel at least
    deep = deeper_than(lungs, spacing, DEEP_MM)
    return _share("deep_haze_share", change, deep & ~within(vessels, spacing, rim))


def _share(name: str, change: np.ndarray, where: np.ndarray) -> dict[str, float]:
    """Return which share of a change's energy lies somewhere; nothing if nothing changed."""
    energy = np.square(change, dtype=np.float32)
    total = float(energy.sum(dtype=np.float64))
    return {name: float(energy[where].sum(dtype=np.float64)) / total} if total else {}


def lung_change_ml(
    before: np.ndarray, after: np.ndarray, spacing: tuple[float, float, float]
) -> float:
    """Return how much lung two masks (K, J, I) on one grid differ by, after minus before, mL."""
    voxel_ml = float(np.prod(spacing)) * 1e-3
    return (int(after.sum()) - int(before.sum())) * voxel_ml
