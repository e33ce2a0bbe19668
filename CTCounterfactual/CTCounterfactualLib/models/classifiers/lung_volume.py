"""The embedded default classifier: aerated lung volume in litres, differentiable, without weights.

Lung size is the sanity experiment of Cohen et al., "Explaining 3D Computed Tomography Classifiers
with Counterfactuals", section 5.1: everyone can see whether a lung got smaller. The paper sums the
outputs of a segmentation network; here a soft threshold of HU counts air within a fixed region.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from ...scans.grid import GridSpec, PreparedScan
from ...scans.lung_view import cut_areas, side_litres
from ...scans.lungs import find_lungs
from ...scans.walled_gas import find_airways
from ..classifier import Classifier, Rescorer
from ..rescore.per_slice import PerSliceRescorer
from ..targets import Target

# Half-way between lung (-850 HU) and soft tissue (-150 HU incl. partial volume at the border).
AERATED_BELOW_HU = -500.0
# Narrow enough that only tissue near the threshold has a gradient: the border of the lung,
# not its inside (at -850 HU the slope is 1/280 of that at the border).
SOFTNESS_HU = 50.0
# The region reaches beyond today's border so that a lung can also grow.
MARGIN_MM = 6.0
# More lung than this on one edge of the field of view is cut there; less is a tip of no volume.
CUT_CM2 = 2.0
# Left and right lung differ by less, unless one has collapsed, was removed, or wasn't found.
MOST_SIDES_RATIO = 3.0
# Slices scored together; only theirs are held as HU, sigmoid and product at any time.
SLICE_BATCH = 8


class LungVolume(Classifier):
    """Aerated lung volume: sum of sigmoid((T - HU) / s) over the lung region, in litres.

    The region is found once from the scan (`for_scan`) and then fixed, so that the score is a
    smooth function of the voxels. Called on a plain volume, `score` finds the region from it.
    """

    name = "lung-volume"
    description = "Aerated lung volume in litres; soft threshold, no weights, any chest CT"
    grid = GridSpec()
    targets = (Target("aerated lung volume", "L"),)

    def __init__(self, region: np.ndarray | None = None, notes: tuple[tuple[str, str], ...] = ()):
        self._region = None if region is None else torch.from_numpy(region)
        self._notes = notes

    def for_scan(self, prepared: PreparedScan) -> LungVolume:
        """Return the classifier with this scan's lung region; raise `ScanError` without a lung."""
        lungs, body = prepared.lungs, prepared.body
        cut = cut_areas(lungs, body, self.grid.spacing)
        sides = side_litres(lungs, body, self.grid.spacing)
        return LungVolume(self._with_margin(prepared.volume, lungs), _doubts(cut, sides))

    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Return what makes the volume doubtful: a view that cuts the lungs, a lung too small."""
        return self._notes

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return litres of aerated lung of each volume; see `Classifier.score`."""
        self.find_target(target)
        inside = self._region_for(x).expand_as(x)
        # One sample a slice: (N, 1, D, H, W) -> (N*D, 1, H, W)
        litres = self._litres(*(v.transpose(1, 2).flatten(0, 1) for v in (x, inside)))
        return litres.unflatten(0, (len(x), -1)).sum(1)  # (N*D,) -> (N, D) -> (N,)

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores only replaced slices; see `Classifier.rescorer`.

        A region that is found from the volume moves with it: then the whole is scored each time.
        """
        if self._region is None:
            return super().rescorer(x, target)
        self.find_target(target)
        inside = self._region_for(x)[:, None]  # (D, H, W) -> (D, 1, H, W)

        def slice_scores(slices: torch.Tensor, start: int) -> torch.Tensor:
            return self._litres(slices, inside[start : start + len(slices)])

        return PerSliceRescorer(slice_scores, x)

    def _litres(self, slices: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """Return what each slice adds: twice (n, 1, H, W) -> (n,), float64."""
        batches = zip(slices.split(SLICE_BATCH), inside.split(SLICE_BATCH), strict=True)
        return torch.cat([self._aerated(*batch) for batch in batches]) * self.grid.voxel_litres

    def _aerated(self, slices: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """Return the number of aerated voxels of each slice: twice (n, 1, H, W) -> (n,)."""
        hu = self.grid.window.to_hu(slices)
        aerated = torch.sigmoid((AERATED_BELOW_HU - hu) / SOFTNESS_HU)
        # Summed in float64: 1e7 voxels in float32 would lose the change of a single chunk.
        return (aerated * inside).sum(dim=(1, 2, 3), dtype=torch.float64)

    def _region_for(self, x: torch.Tensor) -> torch.Tensor:
        if self._region is not None:
            return self._region.to(x.device)
        volumes = x.detach().cpu().numpy()[:, 0]  # (N, 1, D, H, W) -> (N, D, H, W)
        regions = [
            self._with_margin(v, find_lungs(v, self.grid.spacing, self.grid.window))
            for v in volumes
        ]
        return torch.from_numpy(np.stack(regions))[:, None].to(x.device)  # -> (N, 1, D, H, W)

    def _with_margin(self, volume: np.ndarray, lungs: np.ndarray) -> np.ndarray:
        """Grow the lungs by `MARGIN_MM`, leaving out airways and other gas that lies close by."""
        spacing = self.grid.spacing
        distance = ndimage.distance_transform_edt(~lungs, sampling=spacing[::-1])  # K, J, I order
        hu = self.grid.window.to_hu(volume)
        aerated_elsewhere = (hu < AERATED_BELOW_HU) & (distance > max(spacing))
        airways = find_airways(hu, hu < AERATED_BELOW_HU, spacing)
        near = ndimage.binary_dilation(aerated_elsewhere | (airways & ~lungs), iterations=1)
        return (lungs | ((distance <= MARGIN_MM) & ~near)).astype(np.float32)


def _doubts(cut: dict[str, float], sides: tuple[float, float]) -> tuple[tuple[str, str], ...]:
    """Return warnings (name, message) of cm2 cut on each side and litres of each lung."""
    notes = []
    where = {side: cm2 for side, cm2 in cut.items() if cm2 > CUT_CM2}
    if where:
        listed = ", ".join(f"{cm2:.0f} cm² at the {side}" for side, cm2 in where.items())
        notes.append(
            (
                "lung-cut-by-field-of-view",
                f"The edge of the scan cuts the lung ({listed}; flagged above {CUT_CM2:.0f} cm²): "
                f"the volume is that of the part within the scan, and what lies beyond is unknown.",
            )
        )
    smaller, larger = sorted(sides)
    if larger > MOST_SIDES_RATIO * smaller and not {"left", "right"} & set(where):
        small = "left" if sides[0] < sides[1] else "right"
        notes.append(
            (
                "one-lung-small",
                f"{smaller:.2f} L of lung were found on the {small} of the body's middle, "
                f"{larger:.2f} L on the other (flagged above a ratio of {MOST_SIDES_RATIO:.0f}): "
                f"one lung may have collapsed, be missing, or not have been found. Look at the "
                f"lung region.",
            )
        )
    return tuple(notes)
