"""The truth that a user knows of a scan, a mask or the clean scan, put onto the scan's grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..bench.volumes import turned
from ..errors import ScanError
from ..metrics.recovery import VISIBLE_CHANGE_HU
from ..scans.geometry import same_grid
from ..scans.read import read_file, read_scan
from ..scans.scan import Scan
from ..storage.names import check_name


@dataclass(frozen=True)
class Truth:
    """What is known; arrays (K, J, I) on the scan's grid.

    Parameters
    ----------
    finding : numpy.ndarray or None
        bool: where the finding is.
    clean : numpy.ndarray or None
        HU: the scan without it.
    note : str
        What was done to put them there; empty: nothing.
    """

    finding: np.ndarray | None = None
    clean: np.ndarray | None = None
    note: str = ""


def read_truth(
    scan: Scan, mask: str | Path | None = None, clean: str | Path | None = None, hu: float = 1.0
) -> Truth:
    """Read a mask and the clean scan onto a scan's grid.

    Parameters
    ----------
    scan : Scan
        Turned (`bench.volumes.turned`).
    mask : str or Path, optional
        An image, not 0 in the finding. On another grid it is resampled by nearest neighbour.
        Without one the finding is where scan and clean scan differ visibly.
    clean : str or Path, optional
        A scan of the same patient in the same place; on another grid it is resampled linearly.
    hu : float
        What 1 HU is in the scan's own unit.

    Raises
    ------
    ScanError
        If they can't be read, are empty, or lie elsewhere.
    """
    notes: list[str] = []
    without = None if clean is None else _clean(scan, clean, notes)
    finding = None if mask is None else _mask(scan, mask, notes)
    if finding is None and without is not None:
        visible = f"{VISIBLE_CHANGE_HU * hu:.3g} {scan.unit}"
        finding = np.abs(without.astype(np.float32) - scan.array) > VISIBLE_CHANGE_HU * hu
        notes.append(f"the finding is where scan and clean scan differ by > {visible}")
        if not finding.any():
            raise ScanError(
                f"{clean} differs from the scan nowhere by more than {visible}: it has "
                f"no finding to lose. Give the scan without the finding."
            )
    return Truth(finding, without, "; ".join(notes))


def _mask(scan: Scan, given: str | Path, notes: list[str]) -> np.ndarray:
    path = check_name(given, ScanError)
    if not path.is_file():
        raise ScanError(f"There is no mask {path}. Check the path.")
    image = turned(read_file(path)).image
    if not (sitk.GetArrayViewFromImage(image) != 0).any():
        raise ScanError(f"The mask {path} is 0 everywhere: there is no finding in it.")
    if _on_grid(scan, image):
        return sitk.GetArrayFromImage(image) != 0
    binary = sitk.Cast(image != 0, sitk.sitkUInt8)
    values = _resampled(scan, binary, sitk.sitkNearestNeighbor, sitk.sitkUInt8) != 0
    if not values.any():
        raise ScanError(
            f"The mask {path} has no voxel in the scan that was explained: it lies elsewhere. "
            f"Check its origin and direction, or give the mask of this scan."
        )
    notes.append("the mask was resampled to the scan's grid by nearest neighbour")
    return values


def _clean(scan: Scan, given: str | Path, notes: list[str]) -> np.ndarray:
    image = turned(read_scan(given, modality=scan.modality)).image
    if _on_grid(scan, image):
        return sitk.GetArrayFromImage(image)
    there = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    there.CopyInformation(image)
    covered = _resampled(scan, there + 1, sitk.sitkNearestNeighbor, sitk.sitkUInt8) != 0
    if not covered.any():
        raise ScanError(
            f"The clean scan {given} lies elsewhere than the scan that was explained: they have no "
            f"place in common. Check its origin and direction."
        )
    values = _resampled(scan, image, sitk.sitkLinear, sitk.sitkFloat32)
    values[~covered] = scan.array[~covered]
    notes.append("the clean scan was resampled to the scan's grid linearly")
    return values


def _on_grid(scan: Scan, image: sitk.Image) -> bool:
    return scan.size == image.GetSize() and same_grid(
        scan.size, scan.ijk_to_ras(), Scan(image).ijk_to_ras()
    )


def _resampled(scan: Scan, image: sitk.Image, how: int, kind: int) -> np.ndarray:
    return sitk.GetArrayFromImage(
        sitk.Resample(image, scan.image, sitk.Transform(), how, 0.0, kind)
    )
