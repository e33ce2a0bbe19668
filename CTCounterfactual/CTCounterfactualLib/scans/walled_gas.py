"""Gas in walls of soft tissue, which isn't lung: trachea and main bronchi, bowel and stomach."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

AIRWAY_BELOW_HU = -930.0
# Trachea and main bronchi are at most this wide; the opening that finds them uses it.
AIRWAY_MAX_CROSS_SECTION_MM2 = 900.0
AIRWAY_LENGTH_MM = 25.0  # of a main bronchus
# Free gas (bowel, stomach, pneumothorax) is nearer to -1000 in its core than lung.
GAS_BELOW_HU = -940.0
GAS_OPENING_MM = 9.0
LEAST_GAS_ML = 5.0
# What is denser than lung within 6 mm of gas is its wall, which partial volume thins from inside
# and lung beyond it from outside; emphysema and bullae lie in lung instead.
WALL_ABOVE_HU = -700.0
AIRWAY_WALL_SHARE, GAS_WALL_SHARE = 0.3, 0.6
RING_VOXELS = 4
# As far as partial volume of the gas reaches.
RIM_VOXELS = 2

_IN_PLANE = ndimage.generate_binary_structure(3, 1)
_IN_PLANE[[0, 2]] = False


def find_airways(
    hu: np.ndarray, air: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Find trachea and main bronchi: gas followed from slice to slice, while it stays narrow.

    In each axial slice gas (below `AIRWAY_BELOW_HU`) forms separate spots; those of at most
    `AIRWAY_MAX_CROSS_SECTION_MM2` in a wall are linked in 3D, and objects that span several slices
    are airways. Spots of emphysema have no wall.
    """
    gas = ndimage.binary_opening(hu < AIRWAY_BELOW_HU, disc(spacing[0] * 1.5, spacing)[None])
    gas &= air
    labels, count = ndimage.label(gas, _IN_PLANE)  # of all slices in one pass
    area = np.bincount(labels.ravel(), minlength=count + 1) * spacing[0] * spacing[1]
    kept = area <= AIRWAY_MAX_CROSS_SECTION_MM2
    kept &= _wall_shares(hu, labels, count) >= AIRWAY_WALL_SHARE
    kept[0] = False
    labels, count = ndimage.label(kept[labels])
    airway = np.zeros_like(gas)
    least_slices = int(np.ceil(AIRWAY_LENGTH_MM / spacing[2]))
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        if box[0].stop - box[0].start >= least_slices:
            airway[box] |= labels[box] == index
    # The rim, half gas and half wall, would otherwise be taken for lung.
    return ndimage.binary_dilation(
        airway & air, ndimage.generate_binary_structure(3, 1), RIM_VOXELS, mask=air
    )


def find_walled_gas(
    hu: np.ndarray, air: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Find free gas in a wall of soft tissue: bowel and stomach, also where the wall leaks to lung.

    A thin diaphragm between colon and lung is lost in 3 mm slices; the rest of the wall isn't.
    """
    radius = GAS_OPENING_MM / 2
    gas = ndimage.binary_opening((hu < GAS_BELOW_HU) & air, disc(radius, spacing)[None])
    labels, count = ndimage.label(gas)
    ml = np.bincount(labels.ravel(), minlength=count + 1) * float(np.prod(spacing)) * 1e-3
    walled = (ml >= LEAST_GAS_ML) & (_wall_shares(hu, labels, count) >= GAS_WALL_SHARE)
    walled[0] = False
    return walled[_grown(labels, RIM_VOXELS)] & air


def _grown(labels: np.ndarray, voxels: int) -> np.ndarray:
    """Return labels grown in plane."""
    return ndimage.maximum_filter(labels, (1, 2 * voxels + 1, 2 * voxels + 1))


def _wall_shares(hu: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return which share of the ring around each object is denser than lung: (count + 1,)."""
    ring = np.where(labels == 0, _grown(labels, RING_VOXELS), 0)
    around = np.bincount(ring.ravel(), minlength=count + 1)
    dense = np.bincount(ring[hu > WALL_ABOVE_HU], minlength=count + 1)
    return dense / np.maximum(around, 1)


def disc(radius_mm: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return a disc of this radius as a 2D structuring element (J, I)."""
    rj, ri = radius_mm / spacing[1], radius_mm / spacing[0]
    j, i = np.mgrid[-int(rj) : int(rj) + 1, -int(ri) : int(ri) + 1]
    return (j / max(rj, 1)) ** 2 + (i / max(ri, 1)) ** 2 <= 1
