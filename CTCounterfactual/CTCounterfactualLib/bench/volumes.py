"""Volumes of a case and of its result, all turned to one orientation and onto the scan's grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import ScanError
from ..metrics.neighbourhood import within
from ..metrics.spill import SKIN_MM
from ..scans.geometry import same_grid
from ..scans.grid import GridSpec, prepare, resample_onto
from ..scans.hounsfield import IntensityWindow
from ..scans.modality import CT
from ..scans.read import SUFFIXES, read_file, read_scan
from ..scans.scan import Scan
from .layout import BenchCase

# I to Left, J to Posterior, K to Superior: as pictures show them, and ITK's own axes.
ORIENTATION = "LPS"
# Masks go through the same resampling as scans: 0..1 stays 0..1.
MASK_GRID = GridSpec(window=IntensityWindow(0.0, 1.0), antialias=False)
# What resampling puts where a map doesn't reach; no value of any map.
_BEYOND = float(np.finfo(np.float32).min)
HALF = 0.5


@dataclass(frozen=True)
class CaseVolumes:
    """A case, read: arrays (K, J, I) on one grid, K to Superior, J to Posterior, I to Left.

    Parameters
    ----------
    scan : Scan
        With the finding, turned to that orientation.
    clean : numpy.ndarray
        HU: the true counterfactual.
    finding, body, outside : numpy.ndarray
        bool. The body is that of either scan, so that neither air that was planted nor lung that
        an effusion hides counts as outside; `outside` leaves out the skin, too.
    lungs, other : numpy.ndarray or None
        bool.
    """

    scan: Scan
    clean: np.ndarray
    finding: np.ndarray
    body: np.ndarray
    outside: np.ndarray
    lungs: np.ndarray | None
    other: np.ndarray | None


def read_case(case: BenchCase) -> CaseVolumes:
    """Read a case's volumes.

    Raises
    ------
    ScanError
        Naming the case, the file and what is wrong: missing, unreadable, of another grid, empty.
    """
    scan = turned(read_scan(case.scan))
    clean = turned(read_scan(case.clean))
    _check_grid(case, scan.image, clean.image, case.clean)
    finding = _mask(case, scan, case.mask)
    if not finding.any():
        raise ScanError(f"Case {case.case}: the finding's mask {case.mask} is 0 everywhere.")
    body, outside = body_and_outside(scan, clean)
    return CaseVolumes(
        # A copy: the view that `Scan.array` gives ends with its image.
        scan,
        sitk.GetArrayFromImage(clean.image),
        finding,
        body,
        outside,
        None if case.lungs is None else _mask(case, scan, case.lungs),
        None if case.other_mask is None else _mask(case, scan, case.other_mask),
    )


def turned(scan: Scan) -> Scan:
    """Return a scan with its index axes permuted and flipped to `ORIENTATION`; no interpolation."""
    return replace(scan, image=_turned(scan.image))


def find_volume(folder: Path, name: str) -> Path | None:
    """Return the image file `name` in a folder, of whatever format, or None; NRRD first."""
    for suffix in (".nrrd", *SUFFIXES):
        path = folder / f"{name}{suffix}"
        if path.is_file():
            return path
    return None


def read_onto(path: Path, scan: Scan, beyond: np.ndarray | float) -> np.ndarray:
    """Read an image and put it onto a scan's grid, linearly unless it is there already.

    Parameters
    ----------
    path : Path
        Any format that scans come in.
    scan : Scan
        Turned.
    beyond : numpy.ndarray or float
        The values where the image doesn't reach.

    Returns
    -------
    numpy.ndarray
        (K, J, I), float32.

    Raises
    ------
    ScanError
        If it can't be read, isn't 3D, or holds NaN or infinity.
    """
    image = _turned(read_file(path).image)
    if _on_grid(scan.image, image):
        values = sitk.GetArrayFromImage(image).astype(np.float32)
    else:
        resampled = sitk.Resample(
            image, scan.image, sitk.Transform(), sitk.sitkLinear, _BEYOND, sitk.sitkFloat32
        )
        values = sitk.GetArrayFromImage(resampled)
        outside = values == _BEYOND
        if outside.all():
            raise ScanError(f"{path} lies nowhere in the scan; check its origin and direction.")
        values[outside] = beyond[outside] if isinstance(beyond, np.ndarray) else beyond
    if not np.isfinite(values).all():
        raise ScanError(f"{path} holds NaN or infinity; write numbers everywhere.")
    return values


def _turned(image: sitk.Image) -> sitk.Image:
    return sitk.DICOMOrient(image, ORIENTATION)


def _mask(case: BenchCase, scan: Scan, path: Path) -> np.ndarray:
    if not path.is_file():
        raise ScanError(f"Case {case.case}: there is no file {path}.")
    image = _turned(read_file(path).image)
    _check_grid(case, scan.image, image, path)
    return sitk.GetArrayViewFromImage(image) != 0


def _check_grid(case: BenchCase, scan: sitk.Image, image: sitk.Image, path: Path) -> None:
    if not _on_grid(scan, image):
        raise ScanError(
            f"Case {case.case}: {path} lies on another grid than {case.scan}; all volumes of a "
            f"case must lie on the scan's own."
        )


def _on_grid(scan: sitk.Image, image: sitk.Image) -> bool:
    if scan.GetSize() != image.GetSize():
        return False
    return same_grid(scan.GetSize(), Scan(scan).ijk_to_ras(), Scan(image).ijk_to_ras())


def body_and_outside(scan: Scan, *others: Scan) -> tuple[np.ndarray, np.ndarray]:
    """Return the patient with everything inside, and what lies surely outside: (K, J, I), bool.

    Both are found on the prepared grid, where distances take little time. The body is that of any
    of these scans, which lie on one grid. Of another modality than CT it is all but the background,
    the voxels of the least value.
    """
    if scan.modality != CT:
        seen = np.any([one.array > one.array.min() for one in (scan, *others)], axis=0)
        return seen, ~within(seen, scan.spacing, SKIN_MM)
    prepared = prepare(scan)
    body = prepared.body.copy()
    for other in others:
        body |= prepare(other).body
    with_skin = within(body, prepared.spec.spacing, SKIN_MM)
    on_scan = [
        resample_onto(scan.image, prepared.as_image(part.astype(np.float32))) >= HALF
        for part in (body, with_skin)
    ]
    return on_scan[0], ~on_scan[1]
