"""Where a change pays: a soft region that a run finds by itself, from its gradient.

A latent moves a whole patch of the picture (with `ct-vqgan-small` 24 mm wide), and what lies beside
the finding comes along for nothing. How much each voxel gains by a small step along the gradient is
known to first order before any search,

    c = s df/dx (D(z + lambda g) - D(z)),    s = +1 to raise the score, -1 to lower it, s lambda > 0

so the searches are kept to where most of it is: c summed in blocks of about `BLOCK_MM`, smoothed,
the fewest blocks that hold `GAIN_SHARE` of what is positive (a change whose sign varies from voxel
to voxel sums to little), with a margin and a soft border, where the score reacts
at all. The gradient is then taken anew for a change that is weighted so, as with a region of the
user's (`region`), with which this is combined.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

from ..events import Reporter
from ..models.autoencoder import AutoencoderLike
from .batches import SliceBatches
from .rates import small_step

# Measured on planted fluid, with an ideal classifier and with `effusion-demo`, which reacts to
# much else (Testing/Benchmarks/STEPS.md): more of the gain, or wider smoothing, lets in ribs, wall
# and the other lung; less of it loses parts of the finding.
GAIN_SHARE = 0.8
SMOOTHING_MM = 4.0
BLOCK_MM = 6.0
# Around the blocks the weight is 1 to the first distance, and falls to 0 over the second.
MARGIN_MM, FEATHER_MM = 6.0, 6.0
# Beyond the blocks a change is wanted only where the score reacts to it: the classifier's gradient,
# smoothed over this, counts fully from the second share of its median in the blocks on, and not at
# all below the first. A clean gradient ends with the finding, and with it the margin; a messy one
# is as large everywhere.
REACTION_MM = 4.5
REACTION_SHARES = (0.25, 0.5)
# Share of a gain that is rounding error.
ROUNDING = 1e-9

# Voxels (K, J, I) in a block.
Blocks = tuple[int, int, int]


def find_focus(
    autoencoder: AutoencoderLike,
    latents: torch.Tensor,
    gradient: torch.Tensor,
    decoded: torch.Tensor,
    image_gradient: torch.Tensor,
    spacing: tuple[float, float, float],
    sign: float,
    reporter: Reporter | None = None,
) -> torch.Tensor | None:
    """Return how much of a change each voxel takes: (D, 1, H, W), 0..1; costs one decoding.

    Parameters
    ----------
    latents, gradient : torch.Tensor
        (D, C, h, w): z and df/dz.
    decoded, image_gradient : torch.Tensor
        (D, 1, H, W): D(z), cut to 0..1, and df/dx, 0 where nothing may change.
    spacing : tuple of float
        (I, J, K) mm of the prepared grid.
    sign : float
        Which way the score is to go, -1 or 1.

    Returns
    -------
    torch.Tensor or None
        None if there is no gain anywhere to choose from.
    """
    lam = sign * small_step(latents, gradient)
    i, j, k = (max(1, round(BLOCK_MM / mm)) for mm in spacing)
    blocks = (k, j, i)
    size = (decoded.shape[-2], decoded.shape[-1])
    sums: list[torch.Tensor] = []

    def work(part: slice) -> bool:
        moving = bool(gradient[part].any())
        change = torch.zeros_like(decoded[part])
        if moving:
            drawn = autoencoder.decode(latents[part] + lam * gradient[part], size)
            change = drawn.clamp(0, 1) - decoded[part]
        gain = sign * image_gradient[part] * change
        summed = F.avg_pool2d(gain, blocks[1:], ceil_mode=True, divisor_override=1)
        sums.append(summed[:, 0])
        return moving

    with torch.inference_mode():
        SliceBatches(size, latents.device, reporter).run(0, len(latents), work)
    gains = torch.cat(sums).double().cpu().numpy()
    gains = np.add.reduceat(gains, range(0, len(gains), blocks[0]), axis=0)
    weight = where_it_pays(
        gains, (blocks[0] * spacing[2], blocks[1] * spacing[1], blocks[2] * spacing[0])
    )
    if weight is None:
        return None
    soft = spread(weight, blocks, (len(latents), *size)).to(decoded)
    return soft * where_it_reacts(image_gradient, soft, spacing)


def where_it_reacts(
    image_gradient: torch.Tensor, focus: torch.Tensor, spacing: tuple[float, float, float]
) -> torch.Tensor:
    """Return 1 in the middle of a focus and 0..1 in its margin, by how much the score reacts there.

    Parameters
    ----------
    image_gradient, focus : torch.Tensor
        (D, 1, H, W): df/dx, and the weights of the focus.
    spacing : tuple of float
        (I, J, K) mm.

    Returns
    -------
    torch.Tensor
        (D, 1, H, W), 0..1.
    """
    reach = max(0, round(REACTION_MM / spacing[0] - 1) // 2)
    reaction = F.avg_pool2d(image_gradient.abs(), 2 * reach + 1, 1, reach, count_include_pad=False)
    inside = focus >= 1
    level = reaction[inside & (reaction > 0)]
    if not len(level):
        return torch.ones_like(focus)
    low, high = (share * level.median() for share in REACTION_SHARES)
    return ((reaction - low) / (high - low)).clamp(0, 1)


def where_it_pays(gains: np.ndarray, block_mm: tuple[float, float, float]) -> np.ndarray | None:
    """Return the weight of each block from what it gains, both (K, J, I); None without any gain."""
    smooth = ndimage.gaussian_filter(
        gains, [SMOOTHING_MM / mm for mm in block_mm], mode="constant"
    ).clip(0)
    if not smooth.any():
        return None
    falling = np.sort(smooth, axis=None)[::-1]
    together = falling.cumsum()
    least = falling[np.searchsorted(together, GAIN_SHARE * together[-1])]
    # Blocks that gain the same are kept alike, whatever their last digits.
    kept = smooth >= least * (1 - ROUNDING)
    distance = ndimage.distance_transform_edt(~kept, sampling=block_mm)
    return (1 + (MARGIN_MM - distance) / FEATHER_MM).clip(0, 1).astype(np.float32)


def spread(weight: np.ndarray, blocks: Blocks, shape: tuple[int, int, int]) -> torch.Tensor:
    """Interpolate the weights of blocks, (K, J, I), to voxels: (D, 1, H, W) of this shape."""
    whole = [n * block for n, block in zip(weight.shape, blocks, strict=True)]
    voxels = F.interpolate(
        torch.from_numpy(weight)[None, None], whole, mode="trilinear", align_corners=False
    )[0, 0]
    depth, height, width = shape
    return voxels[:depth, None, :height, :width].contiguous()
