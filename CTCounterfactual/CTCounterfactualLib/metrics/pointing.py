"""Whether a map of evidence points at the finding; beside what chance and the truth would get.

    hit           1 if the place of the greatest value, after smoothing, lies in the finding
    hit_6mm       the same within `NEAR_MM` of it, the distance by which a reader's click may miss
    mass_in_mask  share of the map's sum that lies in the finding

`..._chance` is what a place drawn at random in the body, or an even map of it, would get. The
pointing game is that of Zhang et al., "Top-down Neural Attention by Excitation Backprop" (IJCV
2018), the mass that of Arras et al., "CLEVR-XAI" (Information Fusion 2022, relevance mass
accuracy); here both in 3D, and a map may point anywhere in the image, outside the body too.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .neighbourhood import box_around, voxels_of, within

NEAR_MM = 6.0
# A single voxel is noise; what a reader sees at arm's length is a few mm wide.
SMOOTHING_SIGMA_MM = 3.0
_REACH_SIGMAS = 4.0  # where the Gaussian ends


def pointing(
    evidence: np.ndarray,
    finding: np.ndarray,
    body: np.ndarray,
    spacing: tuple[float, float, float],
) -> dict[str, float]:
    """Return `hit`, `hit_6mm` and `mass_in_mask`, each with its `..._chance`.

    Parameters
    ----------
    evidence : numpy.ndarray
        (K, J, I), any unit; signs don't count.
    finding, body : numpy.ndarray
        (K, J, I), bool.
    spacing : tuple of float
        (I, J, K) mm.

    Returns
    -------
    dict
        Empty if the map is 0 everywhere or there is no finding.
    """
    size = np.abs(evidence).astype(np.float32)
    peak = _peak(size, spacing)
    if peak is None or not finding.any():
        return {}
    near = within(finding, spacing, NEAR_MM)
    voxels = max(int(body.sum()), 1)
    share = int((finding & body).sum()) / voxels
    return {
        "hit": float(finding[peak]),
        "hit_6mm": float(near[peak]),
        "mass_in_mask": float(size[finding].sum(dtype=np.float64) / size.sum(dtype=np.float64)),
        "hit_chance": share,
        "hit_6mm_chance": int((near & body).sum()) / voxels,
        "mass_in_mask_chance": share,
    }


def _peak(size: np.ndarray, spacing: tuple[float, float, float]) -> tuple[int, ...] | None:
    """Return the index (K, J, I) of the greatest smoothed value, or None where all is 0."""
    box = box_around(size > 0, voxels_of(_REACH_SIGMAS * SMOOTHING_SIGMA_MM, spacing))
    if box is None:
        return None
    sigma = [SMOOTHING_SIGMA_MM / step for step in spacing[::-1]]  # K, J, I
    smooth = ndimage.gaussian_filter(size[box], sigma, mode="constant", truncate=_REACH_SIGMAS)
    inner = np.unravel_index(int(smooth.argmax()), smooth.shape)
    return tuple(part.start + int(at) for part, at in zip(box, inner, strict=True))
