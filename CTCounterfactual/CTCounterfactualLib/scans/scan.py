"""A scan on its own grid, a CT in HU unless it says otherwise: voxels, geometry, origin."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import SimpleITK as sitk

from ..errors import ScanError
from .modality import CT, unit_of

# Of an array (K, J, I), slowest first.
DIMENSIONS = ("K", "J", "I")


@dataclass(frozen=True)
class Scan:
    """A scalar volume, a CT in HU unless it says otherwise, with its full geometry.

    Parameters
    ----------
    image : SimpleITK.Image
        3D, HU (or the modality's own unit), any direction matrix; physical space is LPS,
        millimetres.
    name : str
        Short name for titles and node names.
    path : str
        Where it was read from; empty for a scan made in memory.
    series : str
        What `read_scan` takes to choose it again: UID of the DICOM series, with the number of its
        phase behind it if there were several; empty for what isn't DICOM.
    sha256 : str
        Digest of the file, or empty; of several (a DICOM series in slice order, a header and its
        voxels' files) of their digests.
    warnings : tuple of (name, message)
        What a reader should know of this scan (uneven slice spacing, assumed HU ...).
    modality : str
        `CT`, or another one by the code that DICOM has for it (`MR`, `PT` ...), of which numbers
        aren't HU.
    """

    image: sitk.Image
    name: str = "scan"
    path: str = ""
    sha256: str = ""
    warnings: tuple[tuple[str, str], ...] = field(default=())
    series: str = ""
    modality: str = CT

    @property
    def unit(self) -> str:
        """Unit of its voxels in words: "HU", "MR units"."""
        return unit_of(self.modality)

    @classmethod
    def from_array(
        cls,
        hu: np.ndarray,
        spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
        origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
        direction: tuple[float, ...] = (1, 0, 0, 0, 1, 0, 0, 0, 1),
        name: str = "scan",
        modality: str = CT,
    ) -> Scan:
        """Make a scan from an array.

        Parameters
        ----------
        hu : numpy.ndarray
            (K, J, I), HU.
        spacing, origin, direction
            As ITK has them: (I, J, K) mm; LPS mm of voxel (0, 0, 0); 3x3 row-major, LPS.
        modality : str
            `CT`, whose numbers are HU, or another one.

        Raises
        ------
        ScanError
            If it is no volume of numbers, or the geometry is none; `check_scan` looks at the rest.
        """
        hu = np.asarray(hu)
        if hu.ndim != len(DIMENSIONS) or hu.dtype.kind not in "iuf":
            raise ScanError(
                f"The scan '{name}' is an array of shape {hu.shape} and type {hu.dtype}; numbers "
                f"(K, J, I) in HU are expected."
            )
        if hu.dtype == np.float16:  # no type of ITK's
            hu = hu.astype(np.float32)
        image = sitk.GetImageFromArray(hu.astype(hu.dtype.newbyteorder("="), copy=False))
        try:
            image.SetSpacing([float(s) for s in spacing])
            image.SetOrigin([float(o) for o in origin])
            image.SetDirection([float(d) for d in direction])
        except (RuntimeError, TypeError, ValueError) as error:  # ITK's own words are no help
            raise ScanError(
                f"The scan '{name}' has the spacing {spacing}, origin {origin} and direction "
                f"{direction}; three mm above 0, three mm, and nine numbers that span a volume are "
                f"expected."
            ) from error
        return cls(image=image, name=name, modality=modality)

    @property
    def array(self) -> np.ndarray:
        """The voxels, read-only view: (K, J, I), HU."""
        return sitk.GetArrayViewFromImage(self.image)

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels along (I, J, K)."""
        return self.image.GetSize()

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres between voxel centres along (I, J, K)."""
        return self.image.GetSpacing()

    def with_array(self, voxels: np.ndarray) -> sitk.Image:
        """Return `voxels` (K, J, I) as an image with exactly this scan's geometry."""
        image = sitk.GetImageFromArray(voxels)
        image.CopyInformation(self.image)
        return image

    def with_voxels(self, voxels: np.ndarray) -> Scan:
        """Return this scan with other voxels (K, J, I) in the same place."""
        return replace(self, image=self.with_array(voxels))

    def ijk_to_ras(self) -> np.ndarray:
        """Return the 4x4 matrix from voxel indices (I, J, K) to RAS mm, as Slicer has it."""
        matrix = np.eye(4)
        direction = np.array(self.image.GetDirection()).reshape(3, 3)  # row-major 9 -> (3, 3)
        matrix[:3, :3] = direction * np.array(self.spacing)
        matrix[:3, 3] = self.image.GetOrigin()
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix  # LPS -> RAS flips the first two axes
