"""Where the lungs are: a body-interior air region without trachea, bowel gas and table."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..errors import ScanError
from .body import fill_slices, find_body
from .hounsfield import IntensityWindow

# Aerated lung is about -900..-500 HU; -400 splits it from soft tissue at a 1.5 mm grid's edges.
LUNG_BELOW_HU = -400.0
# Free gas (bowel, stomach) is nearer to -1000 in its core than lung, emphysema included.
GAS_CORE_HU = -945.0
AIRWAY_BELOW_HU = -930.0
MIN_LUNG_LITRES = 0.1
# A scan whose greatest extent is less than this shows no lung, or has a wrong voxel size.
LEAST_CHEST_MM = 100.0
# Other parts of lung are at least this share of the largest (a collapsed lung keeps a tenth).
OTHER_LUNG_SHARE = 0.08
# Trachea and main bronchi are at most this wide; the opening that finds them uses it.
AIRWAY_MAX_CROSS_SECTION_MM2 = 900.0
CLOSING_MM = 6.0


def find_lungs(
    volume: np.ndarray, spacing: tuple[float, float, float], window: IntensityWindow
) -> np.ndarray:
    """Find both lungs, vessels included, in a volume of the prepared grid.

    Parameters
    ----------
    volume : numpy.ndarray
        (K, J, I), 0..1 of `window`; K grows to Superior, J to Anterior.
    spacing : tuple of float
        (I, J, K) mm.
    window : IntensityWindow
        HU interval that 0..1 stands for.

    Returns
    -------
    numpy.ndarray
        (K, J, I), bool.

    Raises
    ------
    ScanError
        If there is no lung of at least `MIN_LUNG_LITRES`.
    """
    hu = window.to_hu(volume)
    litres = float(np.prod(spacing)) * 1e-6
    body = find_body(hu, spacing)
    air = (hu < LUNG_BELOW_HU) & body
    air &= ~find_airways(hu, air, spacing)
    labels, count = ndimage.label(air)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    smallest = max(MIN_LUNG_LITRES / litres, OTHER_LUNG_SHARE * sizes.max())
    boxes = ndimage.find_objects(labels)
    kept = [
        i for i in np.flatnonzero(sizes >= smallest)
        if not _is_gas(hu[boxes[i - 1]], labels[boxes[i - 1]] == i)
    ]
    if not kept:
        raise ScanError(_no_lung(volume.shape, spacing))
    return _close(np.isin(labels, kept), spacing, body)


def _no_lung(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> str:
    """Return why there is no lung: of a scan too small for any, that its voxel size is wrong."""
    extent = [n * s for n, s in zip(shape[::-1], spacing, strict=True)]  # (K, J, I) -> (I, J, K)
    if max(extent) < LEAST_CHEST_MM:
        return (
            f"No lung found: the whole scan measures {' x '.join(f'{e:.0f}' for e in extent)} mm, "
            f"less than a lung. Mend its voxel size (another unit?), or use the whole scan."
        )
    return (
        f"No lung found: the scan has no aerated region of {MIN_LUNG_LITRES * 1000:.0f} mL or "
        f"more inside the body. Use a chest CT, or another classifier than lung-volume."
    )


def _is_gas(hu: np.ndarray, part: np.ndarray) -> bool:
    """Tell free gas from lung by the median of its core, which partial volume doesn't reach."""
    core = ndimage.binary_erosion(part)
    return bool(np.median(hu[core if core.any() else part]) < GAS_CORE_HU)


def find_airways(
    hu: np.ndarray, air: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Find trachea and main bronchi: gas followed down from the top, while it stays narrow.

    In each axial slice gas (below `AIRWAY_BELOW_HU`) forms separate spots; those of at most
    `AIRWAY_MAX_CROSS_SECTION_MM2` are linked in 3D, and objects that span several slices are
    airways. Lung parenchyma is denser than gas, so emphysematous spots stay small and unlinked.
    """
    gas = ndimage.binary_opening(hu < AIRWAY_BELOW_HU, _disc(spacing[0] * 1.5, spacing)[None])
    gas &= air
    pixel = spacing[0] * spacing[1]
    narrow = np.zeros_like(gas)
    for k, spots in enumerate(gas):
        labels, count = ndimage.label(spots)
        if count:
            area = np.bincount(labels.ravel()) * pixel
            area[0] = np.inf
            narrow[k] = (area <= AIRWAY_MAX_CROSS_SECTION_MM2)[labels]
    labels, count = ndimage.label(narrow)
    airway = np.zeros_like(gas)
    min_slices = int(np.ceil(25.0 / spacing[2]))  # a main bronchus is about 25 mm long
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        if box[0].stop - box[0].start >= min_slices:
            airway[box] |= labels[box] == index
    wall = ndimage.binary_dilation(airway, ndimage.generate_binary_structure(3, 1))
    return wall & air


def _close(
    lungs: np.ndarray, spacing: tuple[float, float, float], body: np.ndarray
) -> np.ndarray:
    """Fill vessels, nodules and small dents of each slice, without leaving the body."""
    disc = _disc(CLOSING_MM, spacing)
    margin = disc.shape[0]
    closed = fill_slices(np.stack([
        ndimage.binary_closing(np.pad(part, margin), disc) for part in lungs
    ]))
    return closed[:, margin:-margin, margin:-margin] & body


def _disc(radius_mm: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return a disc of this radius as a 2D structuring element (J, I)."""
    rj, ri = radius_mm / spacing[1], radius_mm / spacing[0]
    j, i = np.mgrid[-int(rj):int(rj) + 1, -int(ri):int(ri) + 1]
    return (j / max(rj, 1)) ** 2 + (i / max(ri, 1)) ** 2 <= 1
