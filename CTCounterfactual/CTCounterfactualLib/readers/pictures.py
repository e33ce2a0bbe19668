"""What a reader sees of a case: slices of the scan, with the counterfactual's change or without."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..counterfactual.settings import ExplainSettings
from ..errors import OutputError
from ..outputs.pictures import change_over, grey
from ..outputs.views import Oriented

AXIAL = "axial"
# Slices are shown at this distance, and no more of them, so that a page can be mailed.
STEP_MM, MOST_SLICES = 10.0, 32
_VOLUMES = ("counterfactual", "difference")
# Width of a slice, pixels; and JPEG's quality.
WIDTH, QUALITY = 320, 88


@dataclass(frozen=True)
class Slices:
    """A case as JPEGs in base64, from head to foot, as long lists as there are slices.

    Parameters
    ----------
    scan, counterfactual, change : tuple of str
        Grey, grey, and the change in colour over the scan.
    """

    scan: tuple[str, ...]
    counterfactual: tuple[str, ...]
    change: tuple[str, ...]


def slices_of(folder: Path) -> Slices:
    """Return the slices of a result folder.

    Raises
    ------
    OutputError
        If it lacks the volumes: the cohort must have been run with `--keep all`.
    """
    volumes = [Oriented.of(image) for image in volumes_of(folder)]
    count = volumes[0].count(AXIAL)
    height = volumes[0].extent_mm("coronal")[0]
    wanted = int(np.clip(height / STEP_MM, 1, min(count, MOST_SLICES)))
    at = np.linspace(0, count - 1, wanted + 2)[1:-1].round().astype(int)[::-1]
    edges = ExplainSettings().level_edges
    found = [[volume.plane(AXIAL, int(index)) for volume in volumes] for index in at]
    aspect = volumes[0].aspect(AXIAL)
    return Slices(
        tuple(_jpeg(grey(hu), aspect) for hu, _, _ in found),
        tuple(_jpeg(grey(changed), aspect) for _, changed, _ in found),
        tuple(_jpeg(change_over(hu, change, edges), aspect) for hu, _, change in found),
    )


def volumes_of(folder: Path) -> tuple[sitk.Image, sitk.Image, sitk.Image]:
    """Return scan, counterfactual and change of a result folder, HU; raises as `slices_of`."""
    counterfactual, change = (_read(folder / f"{name}.nrrd") for name in _VOLUMES)
    scan = sitk.Cast(counterfactual, sitk.sitkFloat32) - sitk.Cast(change, sitk.sitkFloat32)
    return scan, counterfactual, change


def _read(path: Path) -> sitk.Image:
    if not path.is_file():
        raise OutputError(
            f"{path.parent} holds no {path.name}: run the cohort so that all files are kept, for "
            f"readers to have something to see."
        )
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise OutputError(f"Cannot read {path}: the file is damaged or cut off.") from error


def _jpeg(pixels: np.ndarray, aspect: float) -> str:
    """Return pixels (rows, columns) or (rows, columns, 3), uint8, as a small JPEG in base64."""
    image = sitk.GetImageFromArray(pixels, isVector=pixels.ndim == 3)
    rows, columns = pixels.shape[:2]
    ratio = columns / WIDTH
    size = [WIDTH, max(1, round(rows * aspect / ratio))]
    small = sitk.Resample(
        image,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        ((ratio - 1) / 2, (ratio / aspect - 1) / 2),  # edges on edges, not centres on centres
        (ratio, ratio / aspect),
        (1.0, 0.0, 0.0, 1.0),
        0.0,
        image.GetPixelID(),
        True,  # beyond the outer centres as at them
    )
    with tempfile.TemporaryDirectory() as folder:  # SimpleITK only writes to files
        place = Path(folder) / "slice.jpg"
        sitk.WriteImage(small, str(place), useCompression=True, compressionLevel=QUALITY)
        return base64.b64encode(place.read_bytes()).decode("ascii")
