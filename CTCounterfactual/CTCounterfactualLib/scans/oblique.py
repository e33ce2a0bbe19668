"""Axes that are nearly at right angles, and axes that aren't."""

from __future__ import annotations

import numpy as np

# Cosines up to this between two axes are rounding of what was written: 0.03 mm over 300 mm.
ROUNDING_COSINE = 1e-4


def straight_enough(direction: np.ndarray) -> np.ndarray:
    """Return axes at right angles where they are but for rounding; else as they are.

    Axes further off (gantry tilt, a resampled or registered scan) are kept: every later step goes
    by the full matrix, so that each voxel stays where it is said to lie.

    Parameters
    ----------
    direction : numpy.ndarray
        (3, 3), unit vectors in columns.
    """
    off = direction.T @ direction - np.eye(3)
    if not np.isfinite(off).all() or np.abs(off).max() > ROUNDING_COSINE:
        return direction
    u, _, v = np.linalg.svd(direction)
    nearest = u @ v  # polar decomposition: the nearest orthogonal matrix
    nearest[np.abs(nearest) < np.finfo(float).eps] = 0.0
    return nearest
