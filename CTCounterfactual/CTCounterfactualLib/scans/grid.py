"""The prepared grid: from a scan to the volume that models see, and back to the scan's own grid.

The prepared grid is axis-aligned with the patient (RAS), whatever the scan's direction matrix is,
and covers the scan's whole physical extent, so that a change made on it can be resampled back to
every voxel of the scan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import SimpleITK as sitk

from ..errors import ScanError
from .checks import mm
from .hounsfield import AIR_HU, IntensityWindow
from .modality import CT, HU, HU_RANGE, RAW, check_modality, window_of
from .monai_layout import RAS_SIGN, along_patient_axes, resample_like_monai
from .resample import RAS_DIRECTION_IN_LPS, Check, resample_to_ras
from .scan import Scan
from .smoothing import smooth_to_prepared

# Part of a prepared voxel that is rounding error and neither worth another voxel nor another slice.
ROUNDING = 1e-4
# More voxels than any scan has on a grid that a model can see: ten times a whole body at 1 mm. A
# voxel size in another unit leads here, and then to the end of the memory.
MOST_PREPARED_VOXELS = 1 << 32
# What resampling puts where there is no scan: no HU of any scan, so that the place can be told.
OUTSIDE = float("-inf")


@dataclass(frozen=True)
class GridSpec:
    """What a model wants its volumes to look like; part of the classifier's card.

    Parameters
    ----------
    spacing : tuple of float
        (I, J, K) mm. Default: 1.5 x 1.5 x 3, as in Cohen et al.
    window : IntensityWindow
        HU interval mapped to 0..1; of another modality, what `intensity` says.
    crop : tuple of int or None
        (I, J) voxels in plane: centre crop or pad with air to exactly this; None keeps the whole
        field of view.
    antialias : bool
        Smooth before sampling down, so that each prepared voxel is an average of what it covers.
        The paper's own chain doesn't; cards of published models say so.
    monai_layout : bool
        Put voxels exactly where MONAI's Spacing and CenterSpatialCrop do, and clip after
        interpolation, as the paper's chain has it. An oblique scan is turned to the patient's axes
        all the same (MONAI leaves it oblique), on the grid that covers it.
    modality : str
        Of the scans that it is for: `CT`, or another one.
    intensity : str
        Of another modality than CT: the window is in the scan's own unit (`raw`), in standard
        deviations around its mean (`zscore`) or in percent of its voxels (`percentile`).
    """

    spacing: tuple[float, float, float] = (1.5, 1.5, 3.0)
    window: IntensityWindow = field(default_factory=IntensityWindow)
    crop: tuple[int, int] | None = None
    antialias: bool = True
    monai_layout: bool = False
    modality: str = CT
    intensity: str = HU

    @property
    def is_ct(self) -> bool:
        """Whether numbers are HU, so that tissues are known by them."""
        return self.modality == CT

    @property
    def hu_per_unit(self) -> float:
        """How many HU (of the scan's own numbers, if it is no CT) one intensity is for limits.

        Limits in HU (noise, margins) are of another modality the same shares of its range as they
        are of the usual window.
        """
        return self.window.hu_per_unit if self.is_ct else HU_RANGE

    @property
    def own_per_hu(self) -> float:
        """What a limit of 1 HU is in the scan's own unit, of a spec that is a scan's (`of`)."""
        return 1.0 if self.is_ct else self.window.hu_per_unit / HU_RANGE

    @property
    def lowest(self) -> float:
        """What lies where nothing was scanned: air, or the lower end of the window."""
        return float(AIR_HU) if self.is_ct else self.window.low_hu

    def of(self, scan: Scan) -> GridSpec:
        """Return what this is for one scan: with the window in the scan's own unit.

        Raises
        ------
        ScanError
            If it is for another modality than the scan's, or the scan is of one value.
        """
        check_modality(self.modality, self.intensity, scan.modality, scan.name)
        if self.intensity in (HU, RAW):
            return self
        low, high = self.window.low_hu, self.window.high_hu
        ends = window_of(scan.array, self.intensity, low, high, scan.name)
        return replace(self, window=IntensityWindow(*ends), intensity=RAW)

    @property
    def voxel_litres(self) -> float:
        """Volume of one prepared voxel in litres (1 L = 1e6 mm^3)."""
        return float(np.prod(self.spacing)) * 1e-6


@dataclass(frozen=True)
class PreparedScan:
    """A scan on its prepared grid.

    Parameters
    ----------
    volume : numpy.ndarray
        (K, J, I), float32, 0..1; K grows to Superior, J to Anterior, I to Right.
    inside : numpy.ndarray
        (K, J, I), bool: voxels inside the scan's field of view (False where padded with air).
    spec : GridSpec
        What it was prepared for.
    scan : Scan
        The scan it came from.
    origin : tuple of float
        LPS mm of voxel (0, 0, 0).
    """

    volume: np.ndarray
    inside: np.ndarray
    spec: GridSpec
    scan: Scan
    origin: tuple[float, float, float]

    @property
    def slices(self) -> int:
        """Number of prepared slices (K)."""
        return self.volume.shape[0]

    @cached_property
    def lungs(self) -> np.ndarray:
        """Both lungs, found once: (K, J, I), bool; raises `ScanError` if there are none."""
        if not self.spec.is_ct:
            raise ScanError(f"Lungs are found by their HU; this scan is {self.spec.modality}.")
        from .lungs import (
            find_lungs,  # here: it needs SciPy, and Slicer loads this file at start-up
        )

        return find_lungs(self.volume, self.spec.spacing, self.spec.window)

    @cached_property
    def body(self) -> np.ndarray:
        """The patient with everything inside, found once: (K, J, I), bool; see `find_body`.

        Of another modality than CT, all of the field of view: a body is found by its HU.
        """
        if not self.spec.is_ct:
            return self.inside
        from .body import find_body  # here: it needs SciPy

        return find_body(self.spec.window.to_hu(self.volume), self.spec.spacing)

    def slab_mm(self, start: int, stop: int) -> tuple[float, float]:
        """Return the S coordinates (mm, RAS) of lower and upper face of slices [start, stop)."""
        thickness = self.spec.spacing[2]
        # Each face by the same formula, so that a slab ends exactly where the next one begins.
        bottom, top = (self.origin[2] + (k - 0.5) * thickness for k in (start, stop))
        return bottom, top

    def slice_at(self, height: np.ndarray) -> np.ndarray:
        """Return the prepared slice (whole numbers, float) at each S coordinate (mm, RAS).

        A height on the face between two slices, up to rounding error, counts to the upper one.
        """
        number = np.floor((height - self.origin[2]) / self.spec.spacing[2] + 0.5 + ROUNDING)
        return np.clip(number, 0, self.slices - 1)

    def as_image(self, values: np.ndarray) -> sitk.Image:
        """Return `values` (K, J, I) as an image with the prepared grid's geometry."""
        image = sitk.GetImageFromArray(values)
        image.SetSpacing(self.spec.spacing)
        image.SetOrigin(self.origin)
        image.SetDirection(RAS_DIRECTION_IN_LPS)
        return image

    def to_scan_grid(self, values: np.ndarray, cut: sitk.Image | None = None) -> np.ndarray:
        """Resample `values` from the prepared grid to the scan's own grid, linearly.

        Parameters
        ----------
        values : numpy.ndarray
            (K, J, I) of the prepared grid, any unit; a *change*, so that 0 is "nothing".
        cut : SimpleITK.Image, optional
            A cut-out of the scan, whose grid is taken instead of the whole scan's.

        Returns
        -------
        numpy.ndarray
            (K, J, I) of the scan's grid, float32, same unit; 0 outside the prepared grid.
        """
        image = self.as_image(values.astype(np.float32, copy=False))
        return resample_onto(self.scan.image if cut is None else cut, image)


def prepare(scan: Scan, spec: GridSpec | None = None, check: Check | None = None) -> PreparedScan:
    """Resample a scan to a model's prepared grid: RAS, the spec's spacing, window -> 0..1.

    Parameters
    ----------
    scan : Scan
        In HU, or of the spec's modality.
    spec : GridSpec, optional
        What the model wants.
    check : callable, optional
        Asked between small pieces of the work, which takes seconds for a large scan; raises if it
        is to stop.

    Raises
    ------
    ScanError
        If the scan covers less than one prepared slice, or is of another modality.
    """
    spec = (spec or GridSpec()).of(scan)
    low, size = _cover(scan, spec)
    image = _float_image(scan, spec)
    if spec.antialias:
        smooth_to_prepared(image, spec.spacing, check)
    if spec.monai_layout and along_patient_axes(image):
        hu, inside, low = resample_like_monai(image, spec.spacing, spec.crop, check)
        return _prepared(np.where(inside, spec.window.to_unit(hu), 0.0), inside, spec, scan, low)
    hu = resample_to_ras(image, size, low.tolist(), spec.spacing, OUTSIDE, check=check)
    inside = hu != OUTSIDE
    hu[~inside] = spec.lowest
    return _prepared(spec.window.to_unit(hu), inside, spec, scan, low)


def resample_onto(grid: sitk.Image, image: sitk.Image) -> np.ndarray:
    """Resample an image linearly onto the grid of another: (K, J, I), float32, 0 outside."""
    return sitk.GetArrayFromImage(
        sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    )


def _float_image(scan: Scan, spec: GridSpec) -> sitk.Image:
    """Return a scan as a new float32 image, clipped to the window unless that comes last."""
    if spec.monai_layout and not spec.antialias:
        return sitk.Cast(scan.image, sitk.sitkFloat32)
    # Before any smoothing, so that padding (-2048, -3024) and metal don't bleed.
    return sitk.Clamp(scan.image, sitk.sitkFloat32, spec.window.low_hu, spec.window.high_hu)


def _prepared(
    unit: np.ndarray, inside: np.ndarray, spec: GridSpec, scan: Scan, low: np.ndarray
) -> PreparedScan:
    volume = np.clip(unit, 0.0, 1.0).astype(np.float32, copy=False)
    x, y, z = (float(v) for v in low)
    return PreparedScan(volume, inside, spec, scan, (x, y, z))


def _cover(scan: Scan, spec: GridSpec) -> tuple[np.ndarray, list[int]]:
    """Return the origin (LPS mm) and size (I, J, K) of the prepared grid that covers the scan."""
    spacing = np.array(spec.spacing)
    corners = np.array(
        [
            scan.image.TransformContinuousIndexToPhysicalPoint(
                [-0.5 + bit * n for bit, n in zip(bits, scan.size, strict=True)]
            )
            for bits in np.ndindex(2, 2, 2)
        ]
    )
    ras = corners * RAS_SIGN
    extent = ras.max(0) - ras.min(0)
    # Rounded up: a scan voxel beyond the outermost prepared voxels could not be changed. Prepared
    # voxel centres still all lie inside the scan.
    size = np.maximum(np.ceil(extent / spacing - ROUNDING).astype(int), 1)
    if spec.crop is not None:
        size[:2] = spec.crop
    if extent[2] < spacing[2] / 2:
        raise ScanError(
            f"The scan is {extent[2]:.2f} mm thick from head to foot; at least "
            f"{spacing[2] / 2:.2f} mm are needed to make one slice of {spacing[2]:g} mm. Its "
            f"voxels measure {mm(scan.spacing)}: if that was in another unit, export it again "
            f"in mm."
        )
    if math.prod(int(n) for n in size) > MOST_PREPARED_VOXELS:
        raise ScanError(
            f"The scan measures {mm(extent)}: at {mm(spacing)} that would be "
            f"{' x '.join(str(n) for n in size)} voxels. Its voxels measure {mm(scan.spacing)}: if "
            f"that was in another unit, export it again in mm."
        )
    centre = (ras.max(0) + ras.min(0)) / 2
    first_voxel_ras = centre - (size - 1) / 2 * spacing
    return first_voxel_ras * RAS_SIGN, [int(n) for n in size]
