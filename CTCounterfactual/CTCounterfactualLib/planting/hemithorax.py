"""One side of a chest to plant into: its pleural space, what lies in it and what lies around."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import ScanError
from .fields import Spacing, local_mean
from .noise import Noise, measure_noise
from .pleura import PleuralSpace, find_spaces

RIGHT, LEFT = "right", "left"
# Less lung than this on one side leaves no room for any finding.
LEAST_LUNG_ML = 40.0
# Where aerated lung is looked at: away from the mixed voxels at its border, and never tissue.
DEEP_MM, AERATED_BELOW_HU = 3.5, -500.0
LUNG_SIGMA_MM, TYPICAL_LUNG_HU = 8.0, -850.0
# Mixed voxels lie up to this far outside the lung's mask, or a thick slice further.
SEAM_MM, SEAM_SLICES = 3.2, 1.1
# Outside the mask and darker than this it is no mixture of lung and wall: an airway, bowel.
SEAM_ABOVE_HU = -550.0
# A mask that was found on a coarser grid is off by about this; so near to it lung may be dark.
RAGGED_MM = 1.6
# The wall is looked at over this depth behind the seam; fat to muscle, no bone.
WALL_MM, WALL_SIGMA_MM, WALL_HU = 8.0, 4.0, (-130.0, 120.0)
TISSUE_HU = 40.0
# Tissue is brighter than lung by this at least, whatever was measured.
LEAST_CONTRAST_HU = 300.0
# The hilum lies this far from the medial to the lateral border, at this height of the lung.
HILUM_DEPTH, HILUM_HEIGHT = 0.2, 0.5


@dataclass(frozen=True)
class Hemithorax:
    """One lung's place, with the densities that a voxel at its border is a mixture of.

    Parameters
    ----------
    side : str
        "right" or "left".
    space : PleuralSpace
        Where it lies in the scan, its mask and distances.
    lung_hu, tissue_hu : numpy.ndarray
        (K, J, I) of the space's box, HU: aerated lung thereabouts; wall, vessels.
    open_below : bool
        The lung goes on below the scan: its base isn't in view.
    """

    side: str
    space: PleuralSpace
    lung_hu: np.ndarray
    tissue_hu: np.ndarray
    open_below: bool

    @property
    def spacing(self) -> Spacing:
        """(I, J, K) mm."""
        return self.space.spacing

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of the box, (K, J, I)."""
        return self.space.lung.shape

    @cached_property
    def reach(self) -> np.ndarray:
        """(K, J, I) of the box, bool: the lung and the seam around it, where voxels are mixed."""
        seam = max(SEAM_MM, SEAM_SLICES * max(self.spacing))
        return self.space.outside <= seam

    def aeration(self, part: np.ndarray) -> np.ndarray:
        """Return how much of each voxel is aerated lung, 0..1, float32.

        The rest is tissue: wall at the border, vessels within. (K, J, I) of the box, HU.
        """
        contrast = np.maximum(self.tissue_hu - self.lung_hu, LEAST_CONTRAST_HU)
        share = np.clip((self.tissue_hu - part) / contrast, 0.0, 1.0)
        share *= self.reach & ((self.space.outside <= RAGGED_MM) | (part > SEAM_ABOVE_HU))
        return share

    @cached_property
    def centre(self) -> tuple[float, float, float]:
        """Centre of the lung, (K, J, I), mm within the box."""
        k, j, i = np.nonzero(self.space.lung)
        sk, sj, si = self.spacing[::-1]
        return float(k.mean()) * sk, float(j.mean()) * sj, float(i.mean()) * si

    @cached_property
    def hilum(self) -> tuple[float, float, float]:
        """About where bronchus and vessels enter, (K, J, I), mm within the box."""
        lung = self.space.lung
        sk, sj, si = self.spacing[::-1]
        slices = np.flatnonzero(lung.any(axis=(1, 2)))
        k = int(slices[0] + HILUM_HEIGHT * (slices[-1] - slices[0]))
        near = np.nonzero(lung[k])
        if not len(near[0]):
            return self.centre
        first, last = near[1].min(), near[1].max()
        depth = HILUM_DEPTH * (last - first)
        i = first + depth if self.side == RIGHT else last - depth  # I grows to the right side
        return k * sk, float(near[0].mean()) * sj, float(i) * si


@dataclass(frozen=True)
class Chest:
    """A scan made ready for planting, once for any number of findings; see `ready_chest`.

    Parameters
    ----------
    shape : tuple of int
        (K, J, I) of the scan.
    sides : tuple of Hemithorax
        One or two.
    noise : Noise
        The scan's.
    """

    shape: tuple[int, ...]
    sides: tuple[Hemithorax, ...]
    noise: Noise


def ready_chest(
    hu: np.ndarray, lungs: np.ndarray, spacing: Spacing, name: str = "the scan"
) -> Chest:
    """Make a scan ready for planting: `plant` takes the result in the place of the lung mask.

    Parameters
    ----------
    hu, lungs : numpy.ndarray
        (K, J, I), HU and bool; K grows to Superior, J to Anterior, I to Right.
    spacing : tuple of float
        (I, J, K) mm.
    name : str
        Of the scan, for messages.

    Raises
    ------
    ScanError
        If the mask lies on another grid, or no side has enough lung.
    """
    if hu.shape != lungs.shape:
        raise ScanError(
            f"The lung mask of {name} has {lungs.shape} voxels (K, J, I), the scan {hu.shape}: "
            f"give the mask of this very scan."
        )
    mask = lungs.astype(bool)
    spaces = [s for s in find_spaces(mask, spacing) if s.ml >= LEAST_LUNG_ML]
    if not spaces:
        raise ScanError(
            f"There is no lung to plant into in {name}: at least {LEAST_LUNG_ML:g} mL on one side "
            f"are needed, and its mask holds {mask.sum() * np.prod(spacing) * 1e-3:.0f} mL in all."
        )
    sides = tuple(
        _side(hu, space, name_of_side)
        for space, name_of_side in zip(spaces, _names(hu, mask, spaces), strict=True)
    )
    return Chest(hu.shape, sides, measure_noise(hu.astype(np.float32, copy=False)))


def _side(hu: np.ndarray, space: PleuralSpace, name: str) -> Hemithorax:
    part = hu[space.box].astype(np.float32)
    aerated = part < AERATED_BELOW_HU
    deep = space.lung & aerated & (space.wall > DEEP_MM)
    if not deep.any():
        deep = space.lung & aerated
    typical = float(np.median(part[deep])) if deep.any() else TYPICAL_LUNG_HU
    lung_hu = local_mean(part, deep, LUNG_SIGMA_MM, space.spacing, typical)
    seam = max(SEAM_MM, SEAM_SLICES * max(space.spacing))
    wall = (space.outside > seam) & (space.outside <= seam + WALL_MM)
    wall &= (part > WALL_HU[0]) & (part < WALL_HU[1])
    tissue_hu = local_mean(part, wall, WALL_SIGMA_MM, space.spacing, TISSUE_HU)
    return Hemithorax(name, space, lung_hu, tissue_hu, bool(space.lung[0].any()))


def _names(hu: np.ndarray, lungs: np.ndarray, spaces: list[PleuralSpace]) -> list[str]:
    """Tell right from left: of two lungs by each other, of one by where the other tissue lies."""
    places = []
    for space in spaces:
        columns = space.lung.sum(axis=(0, 1))
        places.append(
            float((columns * np.arange(len(columns))).sum() / columns.sum()) + space.box[2].start
        )
    if len(places) == 1:
        tissue = ((hu > WALL_HU[0]) & ~lungs).sum(axis=(0, 1))
        middle = float((tissue * np.arange(len(tissue))).sum() / max(tissue.sum(), 1))
    else:
        middle = (min(places) + max(places)) / 2
    return [RIGHT if place > middle else LEFT for place in places]
