"""A plain chest, made in no time: an elliptic body with two lungs on domes, vessels, noise."""

import numpy as np
from scipy import ndimage

STEP = 4.0
SPACING = (STEP, STEP, STEP)
AIR, LUNG, TISSUE = -1000.0, -850.0, 40.0


def two_domes() -> tuple[np.ndarray, np.ndarray]:
    """Return HU and lung mask, (K, J, I): 300 x 210 mm of body, 272 mm high, at 4 mm."""
    k, j, i = np.mgrid[:68, :60, :82] * STEP
    body = ((j - 118) / 105) ** 2 + ((i - 163) / 150) ** 2 < 1
    lungs = np.zeros(body.shape, bool)
    for middle in (95.0, 231.0):
        across = ((j - 118) / 80) ** 2 + ((i - middle) / 48) ** 2
        dome = 90.0 - 45.0 * across  # mm above the lower end
        lungs |= (across < 1) & (k > dome) & (k < 250 - 60 * across)
    hu = np.where(body, TISSUE, AIR)
    hu[lungs] = LUNG
    hu[lungs & (np.abs(k - 150) < 9) & (np.abs(j - 118) < 9)] = TISSUE  # a vessel in each
    hu = ndimage.gaussian_filter(hu, 0.7)  # as a scanner mixes what a voxel holds
    hu += np.random.default_rng(0).normal(0, 10, hu.shape)
    return hu.astype(np.float32), lungs
