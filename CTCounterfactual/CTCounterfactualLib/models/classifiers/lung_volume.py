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
from ...scans.lungs import find_airways, find_lungs
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
# Above this share of the lung on the edge of the field of view, part of it lies outside.
CUT_SHARE = 0.01
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

    def __init__(self, region: np.ndarray | None = None, cut_share: float = 0.0):
        self._region = None if region is None else torch.from_numpy(region)
        self._cut_share = cut_share

    def for_scan(self, prepared: PreparedScan) -> LungVolume:
        """Return the classifier with this scan's lung region; raise `ScanError` without a lung."""
        lungs = prepared.lungs
        return LungVolume(self._with_margin(prepared.volume, lungs), _share_on_edge(lungs))

    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Return a warning if the field of view cuts the lung."""
        if self._cut_share <= CUT_SHARE:
            return ()
        return ((
            "lung-cut-by-field-of-view",
            f"{self._cut_share:.0%} of the lung lies on the edge of the scan: part of it is "
            f"missing, and the volume is that of the visible part.",
        ),)

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


def _share_on_edge(lungs: np.ndarray) -> float:
    """Return the share of lung voxels that lie on an in-plane, upper or lower face of the grid."""
    inner = lungs[1:-1, 1:-1, 1:-1].sum()
    return float(1 - inner / max(lungs.sum(), 1))
