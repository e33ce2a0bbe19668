"""What a painter returns, and the one way in which a finding takes the place of aerated lung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .hemithorax import DEEP_MM, Hemithorax


@dataclass(frozen=True)
class Paint:
    """A finding in the box of one side.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I) of the box, float32, HU: to add to the scan.
    cover : numpy.ndarray
        The same shape, 0..1: how much of each voxel is the finding.
    """

    change: np.ndarray
    cover: np.ndarray


@dataclass(frozen=True)
class Room:
    """What a finding can take the place of.

    Parameters
    ----------
    share : numpy.ndarray
        (K, J, I) of a side's box, 0..1: how much of each voxel is air and fine tissue of lung.
    lung : numpy.ndarray
        The same shape, HU of that share.
    """

    share: np.ndarray
    lung: np.ndarray

    def fill(self, inside: np.ndarray, filling: np.ndarray | float) -> Paint:
        """Let a filling take that place.

        A voxel that is a parts lung and 1 - a parts wall becomes a parts filling and 1 - a parts
        wall: that is what the scanner would have shown, and leaves no seam.

        Parameters
        ----------
        inside : numpy.ndarray
            (K, J, I) of the box, 0..1: how much of each voxel the finding claims.
        filling : numpy.ndarray or float
            HU of the filling, with its noise.
        """
        cover = (inside * self.share).astype(np.float32)
        return Paint((cover * (filling - self.lung)).astype(np.float32), cover)


def room_of(side: Hemithorax, part: np.ndarray, with_vessels: bool = False) -> Room:
    """Return what a finding can take the place of in one side: lung, but no wall and no vessels.

    Parameters
    ----------
    part : numpy.ndarray
        (K, J, I) of the box, HU: what is there now.
    with_vessels : bool
        Vessels deep in the lung give way, too: they are pushed aside.
    """
    share = side.aeration(part)
    # What the lung's share of a voxel holds: where that is all of it, the voxel's own density.
    lung = np.where(share >= 1.0, part, side.lung_hu)
    if with_vessels:
        deep = side.space.lung & (side.space.wall > DEEP_MM)
        share[deep] = 1.0
        lung[deep] = part[deep]
    return Room(share, lung)


def edge(side: Hemithorax, edge_mm: float) -> float:
    """Return a border's width that the scan can show: a voxel's in plane at least, mm."""
    return max(edge_mm, side.spacing[0], side.spacing[1])
