"""Checks that a volume holds finite numbers and that they are Hounsfield units."""

from __future__ import annotations

import numpy as np

from ..errors import ScanError
from .slabs import slabs

# A CT that shows a patient shows air or lung somewhere: well below fat (-100 HU).
AIR_EXPECTED_BELOW_HU = -300
# Soft tissue, -200..200 HU, makes up at least this share of a patient's scan.
SOFT_TISSUE_HU = (-200, 200)
MIN_SOFT_TISSUE_SHARE = 0.005
# Metal reaches 3071 (12 bit) and rarely 30 000; more than a trace above this is another unit.
DENSE_ABOVE_HU = 4000
MAX_DENSE_SHARE = 0.01
# Stored CT values before the rescale intercept: 0..4095, air near 0, water near 1024.
STORED_WATER = 1024
# A sample is enough to judge the unit; a full sort of 8e7 voxels isn't needed.
SAMPLE_VOXELS = 2_000_000


def check_numbers(values: np.ndarray, source: str) -> None:
    """Raise `ScanError` if any value is NaN or infinite, saying how many."""
    if not np.issubdtype(values.dtype, np.floating):
        return
    bad = values.size - sum(
        int(np.count_nonzero(np.isfinite(values[part]))) for part in slabs(values.shape)
    )
    if bad:
        raise ScanError(
            f"{source} holds {bad} NaN or infinite value(s) among {values.size}; a CT scan has "
            f"finite HU. Repair the file (for instance replace them by -1000, air)."
        )


def check_hounsfield(
    values: np.ndarray, source: str, assume_hu: bool
) -> tuple[tuple[str, str], ...]:
    """Check that values look like HU; return a (name, message) warning if the user insists.

    Raises
    ------
    ScanError
        Saying what was found, unless `assume_hu`.
    """
    found = _what_it_looks_like(values)
    if not found:
        return ()
    if assume_hu:
        return (("assumed-hu", f"Values were taken as HU because you said so, but {found}."),)
    raise ScanError(
        f"{source} doesn't look like a CT scan in HU: {found}. Convert it to HU, or use "
        f"--assume-hu (assume_hu=True) if it is in HU all the same."
    )


def _what_it_looks_like(values: np.ndarray) -> str:
    """Return what speaks against HU, in words; empty if nothing does."""
    step = max(1, values.size // SAMPLE_VOXELS)
    sample = values.reshape(-1)[::step]  # (K, J, I) -> every step-th voxel
    low, high = float(values.min()), float(values.max())
    span = f"values run from {low:g} to {high:g}"
    if low == high:
        return f"every voxel is {low:g}"
    if values.dtype == np.uint8:
        return f"it is an 8-bit image, {span}"
    soft = np.mean((sample > SOFT_TISSUE_HU[0]) & (sample < SOFT_TISSUE_HU[1]))
    if low >= 0 and np.median(sample) > 0 and high > STORED_WATER:
        return (
            f"{span}, none below 0 (stored values without the rescale intercept of about -1024, "
            f"or another modality)"
        )
    if low > AIR_EXPECTED_BELOW_HU:
        return f"{span}, so there is no air or lung (below {AIR_EXPECTED_BELOW_HU} HU)"
    if np.mean(sample > DENSE_ABOVE_HU) > MAX_DENSE_SHARE:
        return f"{span}, with more than {MAX_DENSE_SHARE:.0%} above {DENSE_ABOVE_HU} HU"
    if soft < MIN_SOFT_TISSUE_SHARE:
        return f"{span}, with hardly any soft tissue ({soft:.2%} between -200 and 200 HU)"
    return ""
