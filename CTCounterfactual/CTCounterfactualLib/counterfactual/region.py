"""Regions: only voxels of a mask may change; what that means on each of the three grids.

On the scan's grid the mask is exact: a voxel outside it keeps its value, to the bit. On the
prepared grid it becomes a weight that fades out towards the border within the mask, so that no
edge is drawn where the change ends, and on the latent grid the cells that can reach it. With w and
m for these two,

    x' = x + w (D(z + lambda g) - D(z)),    g = m J_D(z)^T (w df/dx)

(the restriction in TACE, there for 2D images; the change itself is made as `composite` says).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..errors import ScanError, SettingsError
from ..scans.geometry import same_grid
from ..scans.grid import PreparedScan, resample_onto
from ..scans.read import read_file
from ..scans.resample import Check
from ..scans.scan import Scan
from ..scans.smoothing import smooth_to_prepared
from ..setting_choices import AUTO_REGION
from ..wording import say
from .settings import ExplainSettings

# Over this distance from the border the weight rises to 1: three voxels of the default grid.
FEATHER_MM = 4.5
# A prepared voxel of which less than this is covered by the mask takes no part.
MIN_COVERAGE = 0.05


@dataclass(frozen=True)
class Region:
    """Where a scan may change.

    Parameters
    ----------
    image : SimpleITK.Image
        Mask on the scan's own grid; not 0 is inside.
    name : str
        For titles and the record: a segment's name.
    """

    image: sitk.Image
    name: str = "region"


@dataclass(frozen=True)
class PreparedRegion:
    """A region on all grids.

    Parameters
    ----------
    name : str
        The region's.
    inside : numpy.ndarray
        (K, J, I) of the scan's grid, bool.
    weight : numpy.ndarray
        (K, J, I) of the prepared grid, float32, 0..1; 0 wherever the region isn't.
    """

    name: str
    inside: np.ndarray
    weight: np.ndarray


def latent_cells(weight: np.ndarray, factor: int) -> np.ndarray:
    """Return the latent cells that may move: (K, ceil(H / f), ceil(W / f)), bool.

    A cell moves if any of its pixels has a weight, or a neighbouring cell's has: the decoder draws
    a pixel from its own cell and those around it.

    Parameters
    ----------
    weight : numpy.ndarray
        (K, H, W), 0..1, of slices as the autoencoder's network sees them.
    factor : int
        Pixels per latent position (f).
    """
    depth, height, width = weight.shape
    padded = np.pad(weight > 0, ((0, 0), (0, -height % factor), (0, -width % factor)))
    # (K, h f, w f) -> (K, h, f, w, f)
    blocks = padded.reshape(depth, -(-height // factor), factor, -(-width // factor), factor)
    return ndimage.binary_dilation(blocks.any(axis=(2, 4)), np.ones((1, 3, 3)))


def read_region(path: str | Path, name: str = "") -> Region:
    """Read a mask from an NRRD, NIfTI or MetaImage file; its name is the file's unless given.

    Raises
    ------
    ScanError
        If the file is missing, damaged or no 3D image of one value a voxel.
    """
    path = Path(path)
    if not path.is_file():
        raise ScanError(f"There is no file {path} to take a region from. Check the path.")
    mask = read_file(path)
    return Region(mask.image, name or mask.name)


def check_region(region: Region | str | None, settings: ExplainSettings) -> None:
    """Raise `SettingsError` if a region and the settings contradict each other."""
    if region is None and settings.region_controls:
        raise SettingsError(
            f"Setting {say('region_controls')} asks what other regions can do, but there is no "
            f"region. Give one, or find one by {say('region', AUTO_REGION)}."
        )
    if region is not None and region != AUTO_REGION and not isinstance(region, Region):
        raise SettingsError(
            f"Setting {say('region')} is a {type(region).__name__}; a Region is expected, as "
            f"read_region(path) gives it, or {AUTO_REGION!r}."
        )
    if region is not None and settings.baseline != "scan":
        raise SettingsError(
            f"Setting {say('baseline')} is {settings.baseline!r}, which redraws the whole scan, so "
            f"a region cannot keep its outside unchanged. With a region, use "
            f"{say('baseline', 'scan')}."
        )


def prepare_region(
    region: Region, prepared: PreparedScan, check: Check | None = None
) -> PreparedRegion:
    """Bring a region to the prepared grid; `check` is asked now and then, as in `prepare`.

    Raises
    ------
    ScanError
        If the mask isn't on the scan's grid, is empty, or lies outside what the classifier sees.
    """
    _check_grid(region, prepared.scan)
    mask = sitk.GetArrayViewFromImage(region.image)
    if not np.isfinite(mask).all():
        raise ScanError(
            f"The region {region.name} holds values that are no numbers, so what lies inside isn't "
            f"clear. Save it as a label map of whole numbers."
        )
    inside = mask != 0
    if not inside.any():
        raise ScanError(
            f"The region {region.name!r} is empty: none of its voxels is inside. Paint it, or "
            f"choose another, or none."
        )
    mask = sitk.Cast(prepared.scan.with_array(inside.view(np.uint8)), sitk.sitkFloat32)
    smooth_to_prepared(mask, prepared.spec.spacing, check)
    coverage = resample_onto(prepared.as_image(prepared.volume), mask)
    weight = feather(coverage, prepared)
    if not weight.any():
        raise ScanError(
            f"The region {region.name!r} lies outside the part of the scan that the classifier "
            f"sees. Choose a region nearer to the middle of the scan."
        )
    return PreparedRegion(region.name, inside, weight)


def feather(
    coverage: np.ndarray, prepared: PreparedScan, around: np.ndarray | None = None
) -> np.ndarray:
    """Return the weight of each prepared voxel from the share of it that the mask covers.

    Parameters
    ----------
    coverage : numpy.ndarray
        (K, J, I), float32, 0..1.
    around : numpy.ndarray, optional
        (K, J, I), bool: where not being covered is a border to fade out towards. Default: the field
        of view, beyond which there is no outside to keep.
    """
    # A mask thinner than a prepared voxel covers little of any; then the best covered count.
    covered = coverage > min(MIN_COVERAGE, coverage.max() / 2)
    outside = ~covered & (prepared.inside if around is None else around)
    if not outside.any():
        return np.where(covered, coverage, 0).round(3).clip(0, 1)
    distance = ndimage.distance_transform_edt(~outside, sampling=prepared.spec.spacing[::-1])
    weight = coverage * np.minimum(distance / FEATHER_MM, 1)
    return np.where(covered, weight, 0).astype(np.float32).clip(0, 1)


def _check_grid(region: Region, scan: Scan) -> None:
    mask, image = region.image, scan.image
    same = (
        mask.GetSize() == image.GetSize()
        and mask.GetNumberOfComponentsPerPixel() == 1
        and same_grid(scan.size, scan.ijk_to_ras(), Scan(mask).ijk_to_ras())
    )
    if not same:
        raise ScanError(
            f"The region {region.name!r} is not on the scan's grid: it has {_geometry(mask)}, the "
            f"scan has {_geometry(image)}. Resample the region to the scan."
        )


def _geometry(image: sitk.Image) -> str:
    """Return an image's geometry in words."""

    def listed(values) -> str:
        return ", ".join(f"{value:.4g}" for value in values)

    return (
        f"{' x '.join(str(n) for n in image.GetSize())} voxels of {listed(image.GetSpacing())} mm, "
        f"origin ({listed(image.GetOrigin())}), direction ({listed(image.GetDirection())})"
    )
