"""Cases of the methods benchmark: planted effusions, cut to a slab of the body around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from CTCounterfactualLib.bench.layout import BenchCase, read_cases
from CTCounterfactualLib.bench.volumes import read_case
from CTCounterfactualLib.outputs.volumes import write_image
from CTCounterfactualLib.scans.scan import Scan

# Air that stays around the body in plane: more of it only costs time.
MARGIN_MM = 15.0
# Of a slab, the last one written last.
VOLUMES = ("scan", "clean", "finding", "body")


@dataclass(frozen=True)
class SlabCase:
    """A case of the truth bench, of which a slab of the body around the finding is left.

    Parameters
    ----------
    name : str
        The case's.
    scan, clean : Scan
        With and without the finding, HU; K to Superior, J to Posterior, I to Left.
    finding, body : numpy.ndarray
        (K, J, I), bool; the body as it was found in the whole scan.
    clean_file : Path
        The clean slab as a file, to occlude with.
    """

    name: str
    scan: Scan
    clean: Scan
    finding: np.ndarray
    body: np.ndarray
    clean_file: Path

    @property
    def origin(self) -> str:
        """The name of the scan that it was planted into."""
        return self.name.rsplit("-", 2)[0]

    @property
    def mask(self) -> Scan:
        """The finding as an image on the scan's grid: 1 inside."""
        return Scan(self.scan.with_array(self.finding.astype(np.uint8)), self.name)


def slab_cases(
    bench: Path, folder: Path, slab_mm: float, only: Sequence[str] = ()
) -> Iterator[SlabCase]:
    """Yield a bench's cases, cut to a slab around the finding's centre of mass.

    Parameters
    ----------
    bench : Path
        Made by `bench make`.
    slab_mm : float
        Height; 0: the whole chest, cropped in plane.
    folder : Path
        Gets the slabs as files; those that are there are taken.
    only : sequence of str
        Names of cases; none: all.
    """
    for case in read_cases(bench):
        if only and case.case not in only:
            continue
        files = [folder / case.case / f"{name}.nrrd" for name in VOLUMES]
        if not files[-1].exists():
            files[0].parent.mkdir(parents=True, exist_ok=True)
            for image, file in zip(_slab(case, slab_mm), files, strict=True):
                write_image(image, file)
        scan, clean, finding, body = (sitk.ReadImage(str(file)) for file in files)
        yield SlabCase(
            case.case,
            Scan(scan, case.case),
            Scan(clean, case.case),
            sitk.GetArrayFromImage(finding) != 0,
            sitk.GetArrayFromImage(body) != 0,
            files[1],
        )


def _slab(case: BenchCase, slab_mm: float) -> list[sitk.Image]:
    """Return the slab of each of `VOLUMES`."""
    volumes = read_case(case)
    per_slice = volumes.finding.sum(axis=(1, 2))
    centre = float(np.average(np.arange(len(per_slice)), weights=per_slice))
    count = min(round(slab_mm / volumes.scan.spacing[2]) or len(per_slice), len(per_slice))
    first = min(max(round(centre - count / 2), 0), len(per_slice) - count)
    kept = (slice(first, first + count), *in_plane(volumes.body, volumes.scan.spacing))
    scan = volumes.scan.image[kept[::-1]]  # (K, J, I) -> (I, J, K)
    images = [scan]
    for array in (volumes.clean, volumes.finding, volumes.body):
        part = array[kept]
        image = sitk.GetImageFromArray(part.astype(np.uint8) if part.dtype == bool else part)
        image.CopyInformation(scan)
        images.append(image)
    return images


def in_plane(body: np.ndarray, spacing: tuple[float, float, float]) -> tuple[slice, slice]:
    """Return the rows and columns (J, I) of the body with `MARGIN_MM` around it."""
    box = ndimage.find_objects(body.any(axis=0).astype(np.uint8))[0]
    margins = [round(MARGIN_MM / step) for step in spacing[1::-1]]  # (I, J) -> (J, I)
    rows, columns = (
        slice(max(part.start - margin, 0), part.stop + margin)
        for part, margin in zip(box, margins, strict=True)
    )
    return rows, columns
