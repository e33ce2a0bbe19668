"""Where the lungs are: a body-interior air region without trachea, bowel gas and table."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..errors import ScanError
from .body import fill_slices, find_body
from .hounsfield import IntensityWindow
from .walled_gas import AIRWAY_MAX_CROSS_SECTION_MM2, disc, find_airways, find_walled_gas

# Half-way between aerated lung (about -900..-800 HU) and soft tissue or fat.
LUNG_BELOW_HU = -450.0
# Noise of a low dose or a sharp kernel breaks borders and fakes gas; this smooths it in plane.
SMOOTHING_MM = 1.0
# Free gas is near -1000 throughout its core; a lung, even of emphysema, is denser or varies
# (vessels, septa): from the 5th percentile to the median, bowel gas of -950 and less had 14 to 26
# HU, lungs 40 to 85.
LUNG_MEDIAN_HU, VARIED_LUNG_MEDIAN_HU = -945.0, -970.0
LUNG_SPREAD_HU = 30.0
CORE_VOXELS = 2
MIN_LUNG_LITRES = 0.1
# A scan whose greatest extent is less than this shows no lung, or has a wrong voxel size.
LEAST_CHEST_MM = 100.0
# Other parts of lung are at least this share of the largest (a collapsed lung keeps a tenth).
OTHER_LUNG_SHARE = 0.08
# Smaller parts count in the upper half of the lungs and a little above: an apex that a tumour cuts
# off. Further down they are bowel.
LEAST_PART_ML = 5.0
ABOVE_MM = 60.0
# Above the last slice in which a lung is wider than an airway, so much more is no apex but the
# throat, which dense gas (a cannula, a low dose) has joined to it.
THROAT_MM = 40.0
CLOSING_MM = 6.0
# A larger hole between the lungs of a slice is the mediastinum.
FILLED_MM2 = 1500.0

_IN_PLANE = ndimage.generate_binary_structure(3, 1)
_IN_PLANE[[0, 2]] = False


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
    body = find_body(hu, spacing)
    sharp, sigma = hu, SMOOTHING_MM / np.array(spacing[:2])
    hu = ndimage.gaussian_filter(hu, (0, sigma[1], sigma[0]), truncate=2.0)
    air = (hu < LUNG_BELOW_HU) & body
    air &= ~find_airways(sharp, air, spacing)
    lungs = _lung_parts(hu, air, spacing)
    gas = find_walled_gas(hu, lungs, spacing)
    if gas.any():
        lungs = _lung_parts(hu, lungs & ~gas, spacing)
    if not lungs.any():
        raise ScanError(_no_lung(volume.shape, spacing))
    return _close(lungs, spacing, body)


def _lung_parts(hu: np.ndarray, air: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return the 3D parts of `air` that are lung: (K, J, I), bool; none below the least volume."""
    labels, count = ndimage.label(air)
    ml = np.bincount(labels.ravel(), minlength=count + 1) * float(np.prod(spacing)) * 1e-3
    ml[0] = 0
    boxes = ndimage.find_objects(labels)
    lung = np.zeros(count + 1, bool)
    for n in np.flatnonzero(ml >= LEAST_PART_ML):
        lung[n] = _is_lung(hu[boxes[n - 1]], labels[boxes[n - 1]] == n)
    ml[~lung] = 0
    if ml.max() < MIN_LUNG_LITRES * 1e3:
        return np.zeros(air.shape, bool)
    large = lung & (ml >= OTHER_LUNG_SHARE * ml.max())
    largest = boxes[int(ml.argmax()) - 1][0]
    for n in np.flatnonzero(large):  # the lungs lie side by side; air in the skull lies above
        middle = (boxes[n - 1][0].start + boxes[n - 1][0].stop) / 2
        large[n] = largest.start <= middle <= largest.stop
    for n in np.flatnonzero(large):
        labels[boxes[n - 1]][_throat(labels[boxes[n - 1]] == n, spacing)] = 0
    lit = np.flatnonzero(large[labels].any((1, 2)))
    bottom, top = lit[0], lit[-1] + 1
    for n in np.flatnonzero(lung & ~large):
        middle = (boxes[n - 1][0].start + boxes[n - 1][0].stop) / 2
        lung[n] = (bottom + top) / 2 <= middle <= top + ABOVE_MM / spacing[2]
    return lung[labels]


def _throat(part: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Return what goes on above a lung's apex as narrow as an airway: (K, J, I), bool."""
    areas = np.count_nonzero(part, axis=(1, 2)) * spacing[0] * spacing[1]
    wide = np.flatnonzero(areas > AIRWAY_MAX_CROSS_SECTION_MM2)
    throat = np.zeros_like(part)
    if wide.size and (len(part) - 1 - wide[-1]) * spacing[2] >= THROAT_MM:
        throat[wide[-1] + 1 :] = part[wide[-1] + 1 :]
    return throat


def _is_lung(hu: np.ndarray, part: np.ndarray) -> bool:
    """Tell lung from free gas by the core of a part, which partial volume doesn't reach."""
    core = ndimage.binary_erosion(part, _IN_PLANE, CORE_VOXELS)
    if not core.any():
        return False
    low, median = np.percentile(hu[core], [5, 50])
    varied = median > VARIED_LUNG_MEDIAN_HU and median - low > LUNG_SPREAD_HU
    return bool(median > LUNG_MEDIAN_HU or varied)


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


def _close(lungs: np.ndarray, spacing: tuple[float, float, float], body: np.ndarray) -> np.ndarray:
    """Fill vessels, nodules and small dents of each slice, without leaving the body."""
    element = disc(CLOSING_MM, spacing)
    margin = element.shape[0]
    closed = np.stack([ndimage.binary_closing(np.pad(part, margin), element) for part in lungs])
    filled = fill_slices(closed, FILLED_MM2 / (spacing[0] * spacing[1]))
    return filled[:, margin:-margin, margin:-margin] & body
