"""How near a counterfactual stays to its scan.

mae_hu  mean |x' - x| over the body, HU
ssim    structural similarity of x' and x, 1 where they are alike: the mean over the body of the
        index of each voxel with its neighbours in the slice (Wang et al., "Image quality
        assessment: from error visibility to structural similarity", IEEE TIP 2004: Gaussian
        window of 1.5 voxels, 11 wide; K1 0.01, K2 0.03), of HU within the models' window
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..scans.hounsfield import IntensityWindow
from .neighbourhood import box_around

# Wang et al.'s own.
SIGMA, REACH = 1.5, 5
K1, K2 = 0.01, 0.03


def proximity(scan: np.ndarray, changed: np.ndarray, body: np.ndarray) -> dict[str, float]:
    """Return `mae_hu` and `ssim`; nothing if there is no body.

    Parameters
    ----------
    scan, changed : numpy.ndarray
        (K, J, I), HU: x and x'.
    body : numpy.ndarray
        (K, J, I), bool.
    """
    voxels = int(body.sum())
    if not voxels:
        return {}
    size = np.abs(changed.astype(np.float32) - scan)
    return {
        "mae_hu": float(size[body].sum(dtype=np.float64)) / voxels,
        "ssim": 1 - _lost(scan, changed, size > 0, body) / voxels,
    }


def _lost(scan: np.ndarray, changed: np.ndarray, differs: np.ndarray, body: np.ndarray) -> float:
    """Return the sum over the body of 1 - SSIM; that is 0 wherever no neighbour differs."""
    lost = 0.0
    window = IntensityWindow()
    for x, y, other, inside in zip(scan, changed, differs, body, strict=True):
        box = box_around(other, (2 * REACH, 2 * REACH))
        if box is not None:
            index = ssim_map(window.to_unit(x[box]), window.to_unit(y[box]))
            lost += float((1 - index)[inside[box]].sum(dtype=np.float64))
    return lost


def ssim_map(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the index of each pixel of two pictures (J, I) in 0..1."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    mean_x, mean_y = _local(x), _local(y)
    var_x = _local(x * x) - mean_x**2
    var_y = _local(y * y) - mean_y**2
    both = _local(x * y) - mean_x * mean_y
    c1, c2 = K1**2, K2**2  # of a range of 1
    return (
        (2 * mean_x * mean_y + c1)
        * (2 * both + c2)
        / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    )


def _local(values: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(values, SIGMA, truncate=REACH / SIGMA)
