"""The region that a run finds for itself: where an unrestricted counterfactual changes most.

After TACE (Rossi, Lopez, Comminiello), which finds the one blob of its generator that changes most
when nothing is restricted, and searches again with that blob and those that overlap it. There are
no blobs here, so connected parts of the change in 3D take their place: |change| above a threshold,
the part with the largest sum of |change| times voxel volume, and all parts that touch it. Found
parts get a margin of the feather's width, so that what changed there may change as fully again,
and parts touch if they do with their margins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..scans.grid import PreparedScan
from ..scans.resample import Check
from .region import FEATHER_MM, PreparedRegion, feather
from .within import on_scan_grid

AUTO_NAME = "most changed"
# Parts are told apart where |change| is above this share of its strength, which is its mean
# weighted by itself: a wide haze counts little, and single voxels hardly. Below so many HU it is
# noise.
THRESHOLD_SHARE = 0.25
LEAST_HU = 20.0


@dataclass(frozen=True)
class MostChanged:
    """Where a volume changed most, on the prepared grid.

    Parameters
    ----------
    mask : numpy.ndarray
        (K, J, I), bool: the joined parts with their margin.
    threshold_hu : float
        |change| at which parts were told apart.
    parts : tuple of float
        mL of each joined part without margin, largest sum of |change| first.
    parts_found : int
        Parts in all.
    share : float
        Of the sum of |change|, what lies in the mask.
    """

    mask: np.ndarray
    threshold_hu: float
    parts: tuple[float, ...]
    parts_found: int
    share: float


def find_most_changed(
    change_hu: np.ndarray, spacing: tuple[float, float, float]
) -> MostChanged | None:
    """Return the most changed connected part with those that touch it; None if nothing changed.

    Parameters
    ----------
    change_hu : numpy.ndarray
        (K, J, I), HU, either sign.
    spacing : tuple of float
        (I, J, K) mm.
    """
    size = np.abs(change_hu)
    if not (size >= LEAST_HU).any():
        return None
    strength = float(np.square(size, dtype=np.float64).sum() / size.sum(dtype=np.float64))
    threshold = max(LEAST_HU, THRESHOLD_SHARE * strength)
    labels, count = ndimage.label(size >= threshold)
    sums = np.bincount(labels.ravel(), size.ravel(), count + 1)
    sums[0] = 0
    main = int(sums.argmax())
    sampling = spacing[::-1]  # (I, J, K) -> (K, J, I)
    far = ndimage.distance_transform_edt(labels != main, sampling=sampling)
    touching = np.unique(labels[far <= 2 * FEATHER_MM])
    joined = np.isin(labels, touching[touching > 0])
    mask = ndimage.distance_transform_edt(~joined, sampling=sampling) <= FEATHER_MM
    voxel_ml = float(np.prod(spacing)) * 1e-3
    volumes = np.bincount(labels.ravel(), minlength=count + 1) * voxel_ml
    order = sorted((int(n) for n in touching if n > 0), key=lambda n: -sums[n])
    return MostChanged(
        mask,
        threshold,
        tuple(round(float(volumes[n]), 2) for n in order),
        count,
        float(size[mask].sum(dtype=np.float64) / size.sum(dtype=np.float64)),
    )


def region_of_mask(
    prepared: PreparedScan,
    mask: np.ndarray,
    allowed: PreparedRegion | None = None,
    check: Check | None = None,
) -> PreparedRegion:
    """Return a mask of the prepared grid as a region of both grids, feathered inward.

    Parameters
    ----------
    mask : numpy.ndarray
        (K, J, I) of the prepared grid, bool.
    allowed : PreparedRegion, optional
        Where the scan may change at all: the body, whose skin is no border to fade out towards.
    """
    around = None if allowed is None else allowed.weight > 0
    weight = feather(mask.astype(np.float32), prepared, around)
    inside = on_scan_grid(prepared, mask, check)
    if allowed is None:
        return PreparedRegion(AUTO_NAME, inside, weight)
    return PreparedRegion(AUTO_NAME, inside & allowed.inside, weight * allowed.weight)
