"""What a counterfactual moved, in mL: how much, from what to what, on which side, how high up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ...counterfactual.result import Explanation
from ...scans.pieces import pieces
from ...scans.scan import Scan

MM3_PER_ML = 1000.0
# What voxels are, by their HU: the upper end of each. Water is 0 and muscle about 50; between lung
# and fat lie borders and ground glass.
TISSUES = (
    ("lung or air", -500.0),
    ("half-aerated lung or borders", -150.0),
    ("fat", -20.0),
    ("soft tissue or fluid", 150.0),
    ("bone, calcium or contrast", np.inf),
)
# Of the change, the part that the told heights leave out at each end.
TAIL = 0.1


@dataclass(frozen=True)
class Moved:
    """The numbers of a change.

    Parameters
    ----------
    less_ml, denser_ml : float
        Became less dense, denser, by the first level or more.
    less_hu, denser_hu : float
        Median change of these; 0 where there are none.
    before, after : tuple of float
        mL of what changed, by `TISSUES`: what it was, and what it became.
    left_share : float
        Part of the change (sum of |HU|) on the patient's left of `middle_mm`.
    middle_mm : float
        R coordinate of the middle: of the lungs, or of the scan.
    by_lungs : bool
        Whether it is that of the lungs.
    in_lungs_share : float or None
        Part of the change within the lungs as they were found in the scan; None without any.
    heights_mm : tuple of float
        S coordinates between which the change lies, but for `TAIL` at each end.
    """

    less_ml: float
    denser_ml: float
    less_hu: float
    denser_hu: float
    before: tuple[float, ...]
    after: tuple[float, ...]
    left_share: float
    middle_mm: float
    by_lungs: bool
    in_lungs_share: float | None
    heights_mm: tuple[float, float]

    @property
    def changed_ml(self) -> float:
        """What changed by the first level or more."""
        return self.less_ml + self.denser_ml


def moved_of(found: Explanation) -> Moved | None:
    """Measure a counterfactual's change; None where nothing reaches the first level."""
    edge = found.settings.level_edges[0]
    scan, change = found.scan, found.difference
    voxel_ml = abs(float(np.linalg.det(scan.ijk_to_ras()[:3, :3]))) / MM3_PER_ML
    lungs = _lungs_on(scan, found.lungs)
    middle = _middle_of(scan, found.lungs)
    falls, rises, places, sizes, inside = [], [], [], [], []
    before = np.zeros(len(TISSUES))
    after = np.zeros(len(TISSUES))
    ends = [end for _, end in TISSUES[:-1]]
    for part in pieces(change.shape):
        delta = np.asarray(change[part], np.float32)
        at = np.nonzero(np.abs(delta) >= edge)
        if not at[0].size:
            continue
        value = delta[at]
        falls.append(value[value < 0])
        rises.append(value[value > 0])
        was = np.asarray(scan.array[part], np.float32)[at]
        before += np.bincount(np.digitize(was, ends), minlength=len(TISSUES))
        after += np.bincount(np.digitize(was + value, ends), minlength=len(TISSUES))
        index = np.stack([at[2], at[1], at[0] + part.start, np.ones_like(at[0])])  # I, J, K, 1
        places.append((scan.ijk_to_ras() @ index)[[0, 2]])  # R, S
        sizes.append(np.abs(value))
        if lungs is not None:
            inside.append(lungs[part][at] > 0)
    if not sizes:
        return None
    size = np.concatenate(sizes)
    right, height = np.concatenate(places, axis=1)
    total = float(size.sum(dtype=np.float64))
    within = float(size[np.concatenate(inside)].sum(dtype=np.float64)) / total if inside else None
    return Moved(
        less_ml=sum(len(each) for each in falls) * voxel_ml,
        denser_ml=sum(len(each) for each in rises) * voxel_ml,
        less_hu=_median(falls),
        denser_hu=_median(rises),
        before=tuple(before * voxel_ml),
        after=tuple(after * voxel_ml),
        left_share=float(size[right < middle].sum(dtype=np.float64)) / total,
        middle_mm=middle,
        by_lungs=found.lungs is not None,
        in_lungs_share=within,
        heights_mm=_heights(height, size),
    )


def _median(parts: list[np.ndarray]) -> float:
    values = np.concatenate(parts)
    return float(np.median(values)) if values.size else 0.0


def _heights(height: np.ndarray, size: np.ndarray) -> tuple[float, float]:
    """Return between which heights the change lies, but for its tails."""
    order = np.argsort(height, kind="stable")
    share = np.cumsum(size[order], dtype=np.float64)
    share /= share[-1]
    low, high = (int(np.searchsorted(share, edge)) for edge in (TAIL, 1 - TAIL))
    return float(height[order[low]]), float(height[order[min(high, len(order) - 1)]])


def _middle_of(scan: Scan, lungs: sitk.Image | None) -> float:
    """Return the R coordinate halfway between the lungs' outer ends, or the scan's."""
    image = scan.image if lungs is None else lungs
    grid = Scan(image).ijk_to_ras()
    if lungs is None:
        corners = np.array([[0, 0, 0, 1], [*(n - 1 for n in scan.size), 1]], float)
        return float((corners @ grid.T)[:, 0].mean())
    at = np.argwhere(sitk.GetArrayViewFromImage(lungs))[:, ::-1]  # (n, 3), I first
    across = at @ grid[0, :3] + grid[0, 3]
    return float((across.min() + across.max()) / 2)


def _lungs_on(scan: Scan, lungs: sitk.Image | None) -> np.ndarray | None:
    """Return the lungs on the scan's own grid: (K, J, I), uint8."""
    if lungs is None:
        return None
    nearest = sitk.Resample(lungs, scan.image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    return sitk.GetArrayFromImage(nearest)
