"""How dark lung and how bright soft tissue is around each voxel: where a change may end.

Where fluid or a consolidation goes, lung comes back, and that of the patient, not a darker one; and
nothing turns into bone or contrast that wasn't. The decoder's pictures overshoot (a step that turns
the border of a finding into lung has turned its middle into air), and a classifier may be satisfied
by fluid as bright as bone, so what is nearby bounds them. Free gas, as of a pneumothorax, and what
lies right beside it become no denser than the lung around: where gas goes, lung comes back, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

from ..scans.hounsfield import IntensityWindow
from .focus import BLOCK_MM, spread

# Aerated lung; darker is gas of its own: airways, bowel, the outside.
AERATED_HU = (-960.0, -500.0)
# Muscle, organs, blood, fluid; enhanced ones, too, but not vessels full of contrast.
SOFT_HU = (-20.0, 180.0)
# Free gas is where the mean of so wide a square in the slice is below the first, and thinner sheets
# of what is below the second that hang together with it. Noise keeps lung above both: of
# hyperinflated lung (`chest_cip64`, of a median near -900) 3 voxels in 1000 count.
GAS_HU, THIN_GAS_HU, GAS_MM = -985.0, -960.0, 4.5
# Beside gas, as far as this, lies its own partial volume, and the pleura that bounds it.
GAS_RIM_MM, GAS_RIM_SLICES = 3.0, 1
# What lies within about this distance counts (standard deviation of a Gaussian).
NEARBY_MM = 20.0
# Share of such voxels nearby below which the mean of all of them takes over.
LITTLE = 1e-3


@dataclass(frozen=True)
class Bounds:
    """What the decoder's picture may become, unless it is so already.

    Parameters
    ----------
    darkest, brightest : torch.Tensor or None
        (D, 1, H, W), 0..1; None is any.
    """

    darkest: torch.Tensor | None = None
    brightest: torch.Tensor | None = None

    def of(self, start: int, stop: int) -> Bounds:
        """Return those of slices [start, stop)."""
        return Bounds(
            *(
                None if level is None else level[start:stop]
                for level in (self.darkest, self.brightest)
            )
        )

    def hold(self, moved: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        """Return a picture within the bounds; both (N, 1, H, W), `base` the unmoved one."""
        if self.darkest is not None:
            moved = torch.maximum(moved, torch.minimum(base, self.darkest))
        if self.brightest is not None:
            moved = torch.minimum(moved, torch.maximum(base, self.brightest))
        return moved


def find_bounds(
    x: torch.Tensor,
    spacing: tuple[float, float, float],
    window: IntensityWindow,
    weight: torch.Tensor | None = None,
) -> Bounds:
    """Return the mean of the lung, and of the soft tissue, around each voxel of a scan.

    The lung is meant with its small vessels and borders, with which it comes back. In free gas and
    right beside it the second is that of the lung without these.

    Parameters
    ----------
    x : torch.Tensor
        (D, 1, H, W), 0..1 of `window`.
    spacing : tuple of float
        (I, J, K) mm.
    weight : torch.Tensor, optional
        (D, 1, H, W): 0 where there is no patient. Of a region that holds no lung, or no soft
        tissue, all of the scan's counts.
    """
    volume = x[:, 0][None]  # (1, D, H, W)
    (air, lung), (soft, bone) = (
        window.to_unit(np.array(hu)).tolist() for hu in (AERATED_HU, SOFT_HU)
    )
    here = torch.ones_like(volume, dtype=torch.bool) if weight is None else weight[:, 0][None] > 0
    lung_or_mixed = (volume > air) & (volume < lung)
    # Not what is only mixed with denser or lighter voxels: none of these is a neighbour.
    aerated = lung_or_mixed & (F.max_pool3d(volume, 3, 1, 1) < lung)
    tissue = (volume < bone) & (-F.max_pool3d(-volume, 3, 1, 1) > soft)
    # Where a finding was, lung comes back with its vessels and borders; where gas was, without.
    darkest, free, brightest = (
        None if level is None else level.to(x)
        for level in (
            _level(volume, chosen, here, spacing) for chosen in (lung_or_mixed, aerated, tissue)
        )
    )
    if free is not None and brightest is not None:
        brightest = torch.where(_in_or_beside_gas(x, spacing, window), free, brightest)
    return Bounds(darkest, brightest)


def _in_or_beside_gas(
    x: torch.Tensor, spacing: tuple[float, float, float], window: IntensityWindow
) -> torch.Tensor:
    """Return which voxels are free gas or lie beside it: (D, 1, H, W), bool."""
    hu = window.to_hu(x[:, 0].cpu().numpy())
    square = [max(1, round(GAS_MM / mm)) for mm in (spacing[1], spacing[0])]
    sure = ndimage.uniform_filter(hu, (1, *square), mode="nearest") < GAS_HU
    labels, count = ndimage.label(sure | (hu < THIN_GAS_HU))
    gas = np.zeros(count + 1, bool)
    gas[labels[sure]] = True
    rim = [round(GAS_RIM_MM / mm) for mm in (spacing[1], spacing[0])]
    size = [2 * reach + 1 for reach in (GAS_RIM_SLICES, *rim)]
    found = ndimage.maximum_filter(gas[labels], size)
    return torch.from_numpy(found)[:, None].to(x.device)


def _level(
    volume: torch.Tensor,
    chosen: torch.Tensor,
    here: torch.Tensor,
    spacing: tuple[float, float, float],
) -> torch.Tensor | None:
    """Return the mean of the chosen voxels around each: (1, D, H, W) -> (D, 1, H, W).

    Of those that are `here`, if there are any.
    """
    if not chosen.any():
        return None
    if (chosen & here).any():
        chosen = chosen & here
    i, j, k = (max(1, round(BLOCK_MM / mm)) for mm in spacing)
    sizes = (k * spacing[2], j * spacing[1], i * spacing[0])

    def nearby(values: torch.Tensor) -> np.ndarray:
        means = F.avg_pool3d(values[None], (k, j, i), ceil_mode=True)[0, 0].double().cpu().numpy()
        return ndimage.gaussian_filter(means, [NEARBY_MM / mm for mm in sizes], mode="nearest")

    everywhere = float(volume[chosen].double().mean())
    counted = chosen.to(volume)
    share, sums = nearby(counted), nearby(volume * counted)
    level = (sums + LITTLE * everywhere) / (share + LITTLE)
    _, depth, height, width = volume.shape
    return spread(level.astype(np.float32), (k, j, i), (depth, height, width))
