"""A patient to put things on and around: the skin and where it lies, the noise, the lungs."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import ndimage

from ..errors import ScanError
from ..planting.fields import Spacing
from ..planting.hemithorax import Hemithorax, ready_chest
from ..planting.noise import Noise, measure_noise
from ..scans.body import find_body

# Over which the direction of the skin is averaged, mm.
NORMAL_SIGMA_MM = 8.0
# Words for an angle from Anterior towards Right, degrees.
ROUND = (
    "anterior",
    "right anterior",
    "right lateral",
    "right posterior",
    "posterior",
    "left posterior",
    "left lateral",
    "left anterior",
)
HEIGHTS = ("lower", "middle", "upper")

Point = tuple[float, float, float]


class Patient:
    """A scan made ready for distractors, once for any number of them.

    Parameters
    ----------
    hu : numpy.ndarray
        (K, J, I), HU; K grows to Superior, J to Anterior, I to Right. Not changed.
    spacing : tuple of float
        (I, J, K) mm.
    lungs : numpy.ndarray, optional
        (K, J, I), bool; only a chest tube needs them.
    name : str
        Of the scan, for messages.

    Raises
    ------
    ScanError
        If no body is found.
    """

    def __init__(
        self,
        hu: np.ndarray,
        spacing: Spacing,
        lungs: np.ndarray | None = None,
        name: str = "the scan",
    ):
        self.hu = np.asarray(hu, np.float32)
        self.spacing, self.name = spacing, name
        self._lungs = lungs
        self.body = find_body(self.hu, spacing)
        if not self.body.any():
            raise ScanError(f"No patient is found in {name}: nothing can be put on the skin.")

    @property
    def steps(self) -> np.ndarray:
        """(K, J, I) mm from voxel to voxel."""
        return np.array(self.spacing[::-1])

    @cached_property
    def noise(self) -> Noise:
        """Strength and grain of the scan's noise."""
        return measure_noise(self.hu)

    @cached_property
    def sides(self) -> tuple[Hemithorax, ...]:
        """The sides of the chest; raises `ScanError` without lungs."""
        if self._lungs is None:
            raise ScanError(f"No lungs are known in {self.name}.")
        return ready_chest(self.hu, self._lungs, self.spacing, self.name).sides

    @cached_property
    def heights(self) -> tuple[int, int]:
        """First and last slice with body in it."""
        slices = np.flatnonzero(self.body.any(axis=(1, 2)))
        return int(slices[0]), int(slices[-1])

    def middle(self, k: int) -> tuple[float, float]:
        """Return the middle of the body in a slice, (J, I) voxels; `ScanError` without body."""
        j, i = np.nonzero(self.body[k])
        if not len(j):
            raise ScanError(f"Slice {k} of {self.name} shows no patient.")
        return float(j.mean()), float(i.mean())

    def skin(self, k: int, degrees: float) -> Point:
        """Return where the skin lies, (K, J, I) mm: the outermost body along a ray of a slice.

        Parameters
        ----------
        k : int
            Slice.
        degrees : float
            From Anterior towards Right.

        Raises
        ------
        ScanError
            If the field of view cuts the skin off there.
        """
        j, i = self.middle(k)
        angle = np.deg2rad(degrees)
        along = np.array([np.cos(angle), np.sin(angle)])
        step = min(self.spacing[:2]) / 2
        reach = np.arange(0.0, np.hypot(*(np.array(self.hu.shape[1:]) * self.steps[1:])), step)
        at = np.array([j, i]) + reach[:, None] * along / self.steps[1:]
        rows = np.rint(at).astype(int)
        inside = ((rows >= 0) & (rows < self.hu.shape[1:])).all(axis=1)
        rows, at = rows[inside], at[inside]
        hits = np.flatnonzero(self.body[k, rows[:, 0], rows[:, 1]])
        if not len(hits) or hits[-1] >= len(rows) - 2:
            raise ScanError(f"the field of view cuts the skin off ({place_of(degrees)})")
        last = at[hits[-1]] * self.steps[1:]
        return float(k * self.steps[0]), float(last[0]), float(last[1])

    def box(self, low: np.ndarray, high: np.ndarray) -> tuple[slice, ...]:
        """Return the voxels between two corners, (K, J, I) mm, as far as the scan goes."""
        first = np.floor(low / self.steps).astype(int).clip(0)
        last = np.minimum(np.ceil(high / self.steps).astype(int) + 1, self.hu.shape)
        return tuple(slice(int(a), int(max(a, b))) for a, b in zip(first, last, strict=True))

    def normal(self, at: Point, box: tuple[slice, ...]) -> np.ndarray:
        """Return the skin's outward direction at a place, (K, J, I), length 1."""
        smooth = ndimage.gaussian_filter(
            self.body[box].astype(np.float32), NORMAL_SIGMA_MM / self.steps
        )
        here = tuple(
            int(np.clip(round(mm / s) - part.start, 0, n - 1))
            for mm, s, part, n in zip(at, self.steps, box, smooth.shape, strict=True)
        )
        slope = np.array(
            [
                float(np.gradient(smooth, s, axis=axis)[here]) if smooth.shape[axis] > 1 else 0.0
                for axis, s in enumerate(self.steps)
            ]
        )
        length = float(np.linalg.norm(slope))
        return -slope / length if length > 0 else np.array([0.0, 1.0, 0.0])

    def height(self, k: float) -> str:
        """Return the height of a slice in words: a third of the patient."""
        first, last = self.heights
        share = (k - first) / max(last - first, 1)
        return HEIGHTS[int(np.clip(share * len(HEIGHTS), 0, len(HEIGHTS) - 1))]


def place_of(degrees: float) -> str:
    """Return an angle from Anterior towards Right in words: "left anterior"."""
    return ROUND[round(degrees / (360 / len(ROUND))) % len(ROUND)]
