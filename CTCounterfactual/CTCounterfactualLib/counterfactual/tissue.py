"""How dark lung is around each voxel: what a change that takes something out may end at.

Where fluid or a consolidation goes, lung comes back, and that of the patient, not a darker one. The
decoder's pictures overshoot (a step that turns the border of a finding into lung has turned its
middle into air), so the mean of the aerated lung nearby is the darkest that is left there.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

from ..scans.hounsfield import IntensityWindow
from .focus import BLOCK_MM, spread

# Aerated lung; darker is gas of its own: airways, bowel, the outside.
AERATED_HU = (-960.0, -500.0)
# Lung within about this distance counts (standard deviation of a Gaussian).
NEARBY_MM = 20.0
# Share of aerated voxels nearby below which the mean of all lung takes over.
LITTLE = 1e-3


def lung_level(
    x: torch.Tensor,
    spacing: tuple[float, float, float],
    window: IntensityWindow,
    weight: torch.Tensor | None = None,
) -> torch.Tensor | None:
    """Return the mean of the aerated lung around each voxel; None where there is none at all.

    Parameters
    ----------
    x : torch.Tensor
        (D, 1, H, W), 0..1 of `window`: the scan.
    spacing : tuple of float
        (I, J, K) mm.
    weight : torch.Tensor, optional
        (D, 1, H, W): 0 where there is no patient.

    Returns
    -------
    torch.Tensor or None
        (D, 1, H, W), 0..1.
    """
    volume = x[:, 0][None]  # (1, D, H, W)
    low, high = window.to_unit(np.array(AERATED_HU)).tolist()
    # Not what is only mixed with air: no neighbour is denser than lung.
    aerated = (volume > low) & (F.max_pool3d(volume, 3, 1, 1) < high)
    if weight is not None:
        aerated &= weight[:, 0][None] > 0
    if not aerated.any():
        return None
    i, j, k = (max(1, round(BLOCK_MM / mm)) for mm in spacing)
    blocks = (k, j, i)

    def nearby(values: torch.Tensor) -> np.ndarray:
        means = F.avg_pool3d(values[None], blocks, ceil_mode=True)[0, 0].double().cpu().numpy()
        sizes = (k * spacing[2], j * spacing[1], i * spacing[0])
        return ndimage.gaussian_filter(means, [NEARBY_MM / mm for mm in sizes], mode="nearest")

    everywhere = float(volume[aerated].double().mean())
    lung = aerated.to(volume)
    share, sums = nearby(lung), nearby(volume * lung)
    level = (sums + LITTLE * everywhere) / (share + LITTLE)
    depth, _, height, width = x.shape
    return spread(level.astype(np.float32), blocks, (depth, height, width)).to(x)
