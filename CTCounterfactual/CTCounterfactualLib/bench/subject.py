"""A scan to plant into, turned to the patient's axes without interpolation, and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import ScanError
from ..planting import Chest, ready_chest
from ..scans.geometry import same_grid
from ..scans.grid import prepare
from ..scans.read import read_file, read_scan
from ..scans.scan import Scan

# Painters think in the patient's axes: a scan whose own are further off is left out, degrees.
MOST_OBLIQUE_DEG = 30.0
# A voxel is lung if more than half of it is, as found on the prepared grid.
HALF = 0.5


@dataclass(frozen=True)
class Turn:
    """How an array (K, J, I) of a scan's grid becomes one of the patient's axes.

    Parameters
    ----------
    order : tuple of int
        Which of the scan's array axes runs along Superior, Anterior and Right.
    flipped : tuple of bool
        Which of the results must be reversed to grow that way.
    """

    order: tuple[int, ...]
    flipped: tuple[bool, ...]

    @classmethod
    def of(cls, scan: Scan) -> Turn:
        """Return the nearest turn.

        Raises
        ------
        ScanError
            If the scan's axes are further than `MOST_OBLIQUE_DEG` from the patient's.
        """
        to_ras = scan.ijk_to_ras()[:3, :3] / np.array(scan.spacing)  # (R A S, I J K)
        # Rows to (S, A, R) and columns to (K, J, I): the axes of arrays.
        cosines = to_ras[::-1, ::-1]
        order = tuple(int(n) for n in np.abs(cosines).argmax(axis=1))
        nearest = np.array([cosines[row, column] for row, column in enumerate(order)])
        if sorted(order) != [0, 1, 2] or np.abs(nearest).min() < np.cos(
            np.deg2rad(MOST_OBLIQUE_DEG)
        ):
            raise ScanError(
                f"The scan {scan.name} lies more than {MOST_OBLIQUE_DEG:g} degrees from the "
                f"patient's axes: resample it to them, and plant into that."
            )
        return cls(order, tuple(bool(n < 0) for n in nearest))

    def forth(self, array: np.ndarray) -> np.ndarray:
        """Turn an array of the scan's grid: K to Superior, J to Anterior, I to Right."""
        return np.ascontiguousarray(np.flip(array.transpose(self.order), self._reversed))

    def back(self, array: np.ndarray) -> np.ndarray:
        """Undo `forth`."""
        inverse = tuple(int(n) for n in np.argsort(self.order))
        return np.ascontiguousarray(np.flip(array, self._reversed).transpose(inverse))

    @property
    def _reversed(self) -> tuple[int, ...]:
        return tuple(axis for axis, flip in enumerate(self.flipped) if flip)


class Subject:
    """A scan read, turned and with its lungs found.

    Parameters
    ----------
    scan : Scan
        As read.
    name : str
        Under which its cases go.
    lungs : SimpleITK.Image or None
        Mask on the scan's grid; None: they are found.

    Raises
    ------
    ScanError
        If it is oblique, shows no lung, or the mask lies on another grid.
    """

    def __init__(self, scan: Scan, name: str, lungs: sitk.Image | None = None):
        self.scan, self.name = scan, name
        self.turn = Turn.of(scan)
        self.hu = self.turn.forth(scan.array).astype(np.float32)
        i, j, k = (scan.spacing[2 - axis] for axis in reversed(self.turn.order))
        self.spacing = (i, j, k)
        self.lungs = self._lungs(lungs)

    @cached_property
    def chest(self) -> Chest:
        """The scan made ready for planting; raises `ScanError` if there is no room at all."""
        return ready_chest(self.hu, self.lungs, self.spacing, self.name)

    def image(self, hu: np.ndarray) -> sitk.Image:
        """Return changed HU, (K, J, I) turned, as an image like the scan: its grid and its type."""
        original = self.scan.array
        values = self.turn.back(hu)
        if original.dtype.kind in "iu":
            info = np.iinfo(original.dtype)
            values = np.rint(values).clip(info.min, info.max)
        return self.scan.with_array(values.astype(original.dtype))

    def mask_image(self, mask: np.ndarray) -> sitk.Image:
        """Return a mask, (K, J, I) turned, bool, as an image on the scan's grid: 1 inside."""
        return self.scan.with_array(self.turn.back(mask).astype(np.uint8))

    def _lungs(self, given: sitk.Image | None) -> np.ndarray:
        if given is None:
            prepared = prepare(self.scan)
            found = prepared.to_scan_grid(prepared.lungs.astype(np.float32)) > HALF
            return self.turn.forth(found)
        size = self.scan.size
        if given.GetSize() != size or not same_grid(
            size, self.scan.ijk_to_ras(), Scan(given).ijk_to_ras()
        ):
            raise ScanError(
                f"The lung mask of {self.name} has {given.GetSize()} voxels (I, J, K) or another "
                f"place than the scan, which has {size}: give a mask on the scan's own grid."
            )
        return self.turn.forth(sitk.GetArrayViewFromImage(given) != 0)


def read_subject(path: str | Path, name: str, lungs: str | Path | None = None) -> Subject:
    """Read a scan, and its lung mask if there is a file of it, for planting.

    Raises
    ------
    ScanError
        As `read_scan` and `Subject`.
    """
    scan = read_scan(path)
    return Subject(scan, name, None if lungs is None else read_file(Path(lungs)).image)
