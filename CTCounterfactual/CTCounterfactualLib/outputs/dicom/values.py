"""HU as a CT image stores them: 16-bit numbers with slope and intercept, exact wherever it can."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...scans.pieces import pieces

_INT16 = np.iinfo(np.int16)
STEPS = 65535  # between the least and the greatest 16-bit number


@dataclass(frozen=True)
class Rescale:
    """How stored numbers become HU: slope * stored + intercept.

    Parameters
    ----------
    slope, intercept : float
        Powers of two and multiples of them: exact as decimal strings.
    signed : bool
        Whether stored numbers are int16, else uint16.
    """

    slope: float = 1.0
    intercept: float = 0.0
    signed: bool = True

    def stored(self, hu: np.ndarray) -> np.ndarray:
        """Return HU as stored numbers, rounded to the nearest."""
        numbers = np.rint((hu.astype(np.float64) - self.intercept) / self.slope)
        return numbers.astype(np.int16 if self.signed else np.uint16)

    def off(self, volume: np.ndarray) -> float:
        """Return by how many HU the stored volume (K, J, I) differs at most from the given one."""
        worst = 0.0
        for part in pieces(volume.shape):
            back = self.stored(volume[part]).astype(np.float64) * self.slope + self.intercept
            worst = max(worst, float(np.abs(back - volume[part]).max()))
        return worst


def rescale_of(volume: np.ndarray) -> Rescale:
    """Return the rescale that holds a volume's values: whole HU as they are wherever they fit.

    Values with fractions, and wider ranges than 16 bits, get the finest power of two as their step.
    """
    low, high = float(volume.min()), float(volume.max())
    whole = volume.dtype.kind in "iu" or all(
        np.array_equal(volume[part], np.rint(volume[part])) for part in pieces(volume.shape)
    )
    if whole and low >= _INT16.min and high <= _INT16.max:
        return Rescale()
    if whole and high - low <= STEPS:
        return Rescale(1.0, low, signed=False)
    slope = 2.0 ** math.ceil(math.log2(max(high - low, 1.0) / (STEPS - 1)))
    return Rescale(slope, math.floor(low / slope) * slope, signed=False)
