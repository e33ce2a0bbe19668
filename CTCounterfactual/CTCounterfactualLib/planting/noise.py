"""The noise of a scan: how strong it is, how grainy, and more of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

SOFT_TISSUE_HU = (0.0, 100.0)
# Robust: 1.4826 times the median absolute deviation is the standard deviation of a Gaussian.
MAD_TO_SIGMA = 1.4826
# Sigmas that are told apart, in voxels; beyond the last it is anatomy that is measured.
GRAINS = tuple(np.linspace(0.0, 1.6, 17).tolist())
# Neighbours less alike than this are independent.
LEAST_LIKENESS = 0.02
# Voxels this far from the border of soft tissue hold no border, which would look like noise.
EROSIONS, CALM_VOXELS = 3, 7
# More noise than this is anatomy.
MOST_NOISE_HU = 80.0
# A correlation of fewer pairs of voxels says nothing.
LEAST_PAIRS = 500


@dataclass(frozen=True)
class Noise:
    """Noise of a scan.

    Parameters
    ----------
    hu : float
        Standard deviation in soft tissue.
    grain : tuple of float
        (K, J, I) voxels: sigma of the Gaussian that makes white noise as correlated as this one.
    """

    hu: float
    grain: tuple[float, float, float]

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return noise of this kind, (K, J, I), HU around 0, float32."""
        white = rng.standard_normal(shape, dtype=np.float32)
        smooth = ndimage.gaussian_filter(white, self.grain)
        return np.asarray(smooth * (self.hu / max(float(smooth.std()), 1e-6)), np.float32)


def noise_of(hu: np.ndarray) -> float:
    """Return the noise's standard deviation (HU) in a scan's soft tissue, robustly."""
    return _strength(_fine(hu), _tissue(hu))


def measure_noise(hu: np.ndarray) -> Noise:
    """Measure strength and grain of the noise deep in the soft tissue of a scan (K, J, I), HU."""
    fine = _fine(hu)
    # By a local mean: single voxels of a sharp kernel's noise leave the range of tissue.
    calm = _tissue(ndimage.uniform_filter(hu, (1, CALM_VOXELS, CALM_VOXELS)))
    tissue = ndimage.binary_erosion(calm, np.ones((1, 3, 3), bool), iterations=EROSIONS)
    if tissue.sum() < LEAST_PAIRS:
        tissue = _tissue(hu)
    k, j, i = (_grain(fine, tissue, axis) for axis in range(3))
    left = np.interp((j + i) / 2, GRAINS, [kept for _, kept in _in_plane()])
    return Noise(min(_strength(fine, tissue) / float(left), MOST_NOISE_HU), (k, j, i))


def _fine(hu: np.ndarray) -> np.ndarray:
    return hu - ndimage.uniform_filter(hu, (1, 3, 3))


def _tissue(hu: np.ndarray) -> np.ndarray:
    return (hu > SOFT_TISSUE_HU[0]) & (hu < SOFT_TISSUE_HU[1])


def _strength(fine: np.ndarray, tissue: np.ndarray) -> float:
    if not tissue.any():
        return 0.0
    values = fine[tissue]
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def _grain(fine: np.ndarray, tissue: np.ndarray, axis: int) -> float:
    """Return the sigma (voxels) whose Gaussian makes neighbours along an axis as alike as here.

    Along K, white noise under a Gaussian of sigma s has the correlation exp(-1 / (4 s^2)); in plane
    the mean that was taken off is allowed for.
    """
    ahead = [slice(None)] * 3
    behind = [slice(None)] * 3
    ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
    pairs = tissue[tuple(ahead)] & tissue[tuple(behind)]
    if pairs.sum() < LEAST_PAIRS:
        return 0.0
    one, other = fine[tuple(ahead)][pairs], fine[tuple(behind)][pairs]
    alike = float(np.corrcoef(one, other)[0, 1])
    if not np.isfinite(alike):  # a scan without noise
        return 0.0
    if axis:
        return float(np.interp(alike, [one for one, _ in _in_plane()], GRAINS))
    if alike < LEAST_LIKENESS:
        return 0.0
    return min(float(np.sqrt(-0.25 / np.log(min(alike, 1.0 - 1e-6)))), GRAINS[-1])


@cache
def _in_plane() -> tuple[tuple[float, float], ...]:
    """Return what taking off the mean of 3 x 3 leaves of noise of each of `GRAINS`.

    How alike neighbours in plane then are, and which share of the deviation is left.
    """
    kept = []
    for sigma in GRAINS:
        kernel = np.zeros((1, 41, 41), np.float32)
        kernel[0, 20, 20] = 1.0
        kernel = ndimage.gaussian_filter(kernel, (0, sigma, sigma))
        fine = _fine(kernel)[0]
        power = float((fine**2).sum())
        alike = float((fine[1:] * fine[:-1]).sum()) / power
        kept.append((alike, float(np.sqrt(power / (kernel**2).sum()))))
    return tuple(kept)
