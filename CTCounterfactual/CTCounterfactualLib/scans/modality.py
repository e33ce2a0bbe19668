"""What kind of scan it is, and how its intensities become the 0..1 that models see.

A CT is in HU, whose numbers mean tissues. Of any other scalar volume the numbers mean nothing by
themselves: a card says how they are brought to one range, and steps that know tissues by their HU
(body, lungs, limits of tissue, plausibility) are left out.
"""

from __future__ import annotations

import numpy as np

from ..errors import ScanError

CT, UNIT_OF_CT = "CT", "HU"
HU, RAW, ZSCORE, PERCENTILE = "hu", "raw", "zscore", "percentile"
INTENSITIES = (HU, RAW, ZSCORE, PERCENTILE)
# What becomes 0..1 unless a card says otherwise: standard deviations around the mean; percent.
USUAL_WINDOWS = {ZSCORE: (-3.0, 3.0), PERCENTILE: (1.0, 99.0)}
# Limits that count in HU (noise, levels of a heatmap) keep their share of the range: that of HU.
HU_RANGE = 2000.0
# A percentile of this many voxels is one of all.
SAMPLE_VOXELS = 4_000_000


def unit_of(modality: str) -> str:
    """Return the unit of a scan's numbers in words: "HU", "MR units"."""
    return UNIT_OF_CT if modality == CT else f"{modality} units"


def check_modality(wanted: str, intensity: str, modality: str, name: str) -> None:
    """Raise `ScanError` unless a scan is of the modality that a model is for.

    Parameters
    ----------
    wanted, intensity : str
        Of the model's grid.
    modality, name : str
        Of the scan.
    """
    if modality != wanted:
        raise ScanError(
            f"The scan {name} is {modality}, and this model is for {wanted}: choose a model for "
            f"{modality}, or a {wanted} scan."
        )
    if (intensity == HU) != (wanted == CT):
        raise ScanError(
            f"A grid of {wanted} scans can't have the intensity {intensity!r}: hu is CT's, and "
            f"only CT's."
        )


def window_of(
    values: np.ndarray, intensity: str, low: float, high: float, name: str
) -> tuple[float, float]:
    """Return what becomes 0 and 1 of one scan, in its own unit.

    Parameters
    ----------
    values : numpy.ndarray
        (K, J, I), the scan's own unit. Background counts neither for the mean nor for percentiles:
        voxels of the least value, which scans with background removed have there.
    intensity : str
        `ZSCORE`: low and high are standard deviations around the mean; `PERCENTILE`: percent.
    name : str
        Of the scan, for messages.

    Raises
    ------
    ScanError
        If the scan is of one value.
    """
    seen = values[values > values.min()]
    if not seen.size:
        raise ScanError(
            f"Every voxel of {name} is {float(values.min()):g}: its intensities can't be brought "
            f"to a range. Is it the right volume?"
        )
    if intensity == ZSCORE:
        mean, deviation = float(seen.mean(dtype=np.float64)), float(seen.std(dtype=np.float64))
        ends = (mean + low * deviation, mean + high * deviation)
    else:
        sample = seen[:: max(1, seen.size // SAMPLE_VOXELS)]
        first, last = np.percentile(sample, (low, high))
        ends = (float(first), float(last))
    if not ends[0] < ends[1]:
        raise ScanError(
            f"The {intensity} window {low:g} to {high:g} of {name} is empty (both ends are "
            f"{ends[0]:g}): nearly all of its voxels are alike. Is it the right volume?"
        )
    return ends[0], ends[1]
