"""Telling Hounsfield units from other numbers by their distribution, padding left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Scanners write nothing below -1024 but the noise of some; what lies lower is padding.
PADDING_BELOW_HU = -1100
# Padding is one number. A scan with more than this share of other numbers below air (beside the
# rim that resampling leaves) had its intercept applied twice, or is in another unit.
MAX_BELOW_AIR_SHARE = 0.10
# A CT that shows a patient shows air or lung somewhere: well below fat (-100 HU).
AIR_EXPECTED_BELOW_HU = -300
# Soft tissue, -200..200 HU, makes up at least this share of a patient's scan.
SOFT_TISSUE_HU = (-200, 200)
MIN_SOFT_TISSUE_SHARE = 0.005
# Fat; nothing lies there in stored values, whose air is near 0.
FAT_HU = (-200, -40)
# Where soft tissue lies in stored values (HU + 1024, HU + 1000); in HU: cortical bone, metal.
STORED_TISSUE = (700, 1300)
# Most that bone can make up of a scan; real scans have 1.5 % and less (heads included).
MAX_STORED_TISSUE_SHARE = 0.25
# Real scans have 28 % of air and lung, 0.8 % of fat and more. Shares below these ask for a look at
# `STORED_TISSUE`: less than a tenth of it is what resampling leaves at the rim of a padding.
CLEAR_AIR_SHARE = 0.03
CLEAR_FAT_SHARE = 0.01
RIM_SHARE = 0.1
# A number that makes up more of the air than this is padding, with what lies this near to it.
PADDING_SHARE = 0.5
PADDING_BLUR_HU = 20
DOUBTFUL_STORED_SHARE = 0.02
# Metal reaches 3071 (12 bit) and rarely 30 000; more than a trace above this is another unit.
DENSE_ABOVE_HU = 4000
MAX_DENSE_SHARE = 0.01
# Every patient's scan reaches lower than this, in the windpipe, the bowel or beside the body.
GAS_BELOW_HU = -800
# Share of one and the same 0 HU above which it is a filling, not water with noise.
FILLED_SHARE = 0.1
# Stored CT values before the rescale intercept: 0..4095, air near 0, water near 1024.
STORED_WATER = 1024
# A sample is enough to judge the unit; a full sort of 8e7 voxels isn't needed.
SAMPLE_VOXELS = 2_000_000


@dataclass(frozen=True)
class _Shares:
    """Shares (0..1) of a sample, padding left out (`below_air` beside it)."""

    below_air: float
    air: float
    fat: float
    soft: float
    stored_tissue: float
    dense: float


def what_speaks_against_hu(values: np.ndarray) -> str:
    """Return in words why values (any shape) can't be HU; empty if nothing speaks against it."""
    low, high = float(values.min()), float(values.max())
    span = f"values run from {low:g} to {high:g}"
    if low == high:
        return f"every voxel is {low:g}"
    if values.dtype == np.uint8:
        return f"it is an 8-bit image, {span}"
    sample = _sample(values)
    shares = _measure(sample)
    if low >= 0 and np.median(sample) > 0 and high > STORED_WATER:
        return (
            f"{span}, none below 0 (stored values without the rescale intercept of about -1024, "
            f"or another modality)"
        )
    if shares.below_air > MAX_BELOW_AIR_SHARE:
        return (
            f"{span}, with {shares.below_air:.0%} of various values below {PADDING_BELOW_HU} HU, "
            f"where nothing lies (a rescale intercept applied twice?)"
        )
    if _are_stored_values(shares):
        return (
            f"{span}, and with padding left out hardly anything lies near air (-1000) while "
            f"{shares.stored_tissue:.0%} lies around 1000, where stored values (HU + 1024 or "
            f"HU + 1000) have soft tissue"
        )
    if low > AIR_EXPECTED_BELOW_HU:
        return f"{span}, so there is no air or lung (below {AIR_EXPECTED_BELOW_HU} HU)"
    if shares.dense > MAX_DENSE_SHARE:
        return f"{span}, with more than {MAX_DENSE_SHARE:.0%} above {DENSE_ABOVE_HU} HU"
    if shares.soft < MIN_SOFT_TISSUE_SHARE:
        return f"{span}, with hardly any soft tissue ({shares.soft:.2%} between -200 and 200 HU)"
    return ""


def what_is_doubtful(values: np.ndarray) -> str:
    """Return in words what is odd in values (any shape) that may be HU; empty if nothing is."""
    low = float(values.min())
    if low > GAS_BELOW_HU:
        return (
            f"the lowest value is {low:g}, while air has -1000 and gas in a body less than "
            f"{GAS_BELOW_HU}: were the values scaled or cut?"
        )
    sample = _sample(values)
    filled = np.count_nonzero(sample == 0) / sample.size
    beside = np.count_nonzero((sample == 1) | (sample == -1)) / sample.size
    if filled > FILLED_SHARE and beside < RIM_SHARE * filled:
        return (
            f"{filled:.0%} of the voxels are exactly 0 (water), hardly any 1 or -1: a filling "
            f"where nothing was scanned should be -1000 (air)"
        )
    return ""


def _are_stored_values(shares: _Shares) -> bool:
    if shares.stored_tissue > MAX_STORED_TISSUE_SHARE:
        return True
    rim = RIM_SHARE * shares.stored_tissue
    clear = shares.air > max(CLEAR_AIR_SHARE, rim) or shares.fat > max(CLEAR_FAT_SHARE, rim)
    return not clear and shares.stored_tissue > DOUBTFUL_STORED_SHARE


def _sample(values: np.ndarray) -> np.ndarray:
    """Return every n-th voxel; n is odd, so that it doesn't fall on the same columns each row."""
    return values.reshape(-1)[:: max(1, values.size // SAMPLE_VOXELS) | 1]


def _measure(sample: np.ndarray) -> _Shares:
    low = sample[sample < PADDING_BELOW_HU]
    rest = sample[sample >= PADDING_BELOW_HU]
    count = max(rest.size, 1)
    most_common = np.unique(low, return_counts=True)[1].max() if low.size else 0
    air = rest[rest < AIR_EXPECTED_BELOW_HU]

    def share(low_hu: float, high_hu: float) -> float:
        return np.count_nonzero((rest > low_hu) & (rest < high_hu)) / count

    return _Shares(
        below_air=(low.size - most_common) / sample.size,
        air=_count_noisy(air) / count,
        fat=share(*FAT_HU),
        soft=share(*SOFT_TISSUE_HU),
        stored_tissue=share(*STORED_TISSUE),
        dense=np.count_nonzero(rest > DENSE_ABOVE_HU) / count,
    )


def _count_noisy(air: np.ndarray) -> int:
    """Return how many values are air and not one number again and again: that may be padding too.

    -1000 beside HU + 1000 is padding, and so is -1024 that resampling has blurred; air has noise.
    """
    if not air.size:
        return 0
    values, counts = np.unique(np.rint(air), return_counts=True)
    usual = values[np.argmax(counts)]
    if counts.max() > PADDING_SHARE * air.size:
        return int(np.count_nonzero(np.abs(air - usual) > PADDING_BLUR_HU))
    return int(np.count_nonzero(air > air.min()))
