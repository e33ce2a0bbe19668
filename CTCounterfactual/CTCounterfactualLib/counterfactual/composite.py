"""How a change in the decoder's picture becomes a change of the scan.

With base = D(z) and moved = D(z + lambda g), the paper shows `moved` itself. Here the *change*
moved - base is carried over to the scan x, so that the decoder's blur never enters the picture or
the score. Both rules give x exactly at lambda = 0. The direction g is the gradient for `residual`
at lambda = 0 under either rule, before smoothing; scores are always those of the composite that is
shown. Both pictures are cut to 0..1 first: what a decoder draws beyond black and white is nothing
that the scan could take on. The gradient is that of the cut pictures.

residual
    x' = x + (moved - base). Where the decoder is blurred and the scan already bright, this
    overshoots into white rims; and a decoder with normalisation over the slice shifts every voxel
    by a few HU, which nobody can see but which fills most of the change limit.
bounded (ours)
    The same with two rules more. A change within CT noise (`NOISE_HU`) is none: the change is
    shrunk by that much towards 0. And x' goes no further than where it was headed: it stays
    between x and `moved`, widened by `MARGIN_HU`. So a vessel that the decoder doesn't show isn't
    brightened by what the decoder does around it, and a border that moves inwards takes on the
    decoder's soft tissue instead of soft tissue plus blur.
local (default, ours)
    The same with a third rule, for a score that is to fall: the decoder's picture becomes nowhere
    darker than the lung around it, nor brighter than the soft tissue, nor does gas become more than
    lung (`tissue.Bounds`); where it is so already it stays; the scan's noise is left on it. Of a
    size, whose change goes one way by far, nothing goes the other way (`one_way`). To
    raise a score it is `bounded`: what is put in, emphysema, a pneumothorax or calcium, may be like
    nothing around.

The decoder draws each slice on its own, so neighbouring slices change a little differently, which
shows as streaks in coronal and sagittal views (the paper notes the lack of such a regularisation).
The change is therefore smoothed along the slices before it joins the scan, within the slices that
may change.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from .tissue import Bounds

# A change up to this is below what a reader or a scanner could tell from noise.
NOISE_HU = 10.0
# How far a bounded change may leave the interval between the scan and the decoder's picture: about
# the noise of the scan, which the decoder doesn't draw.
MARGIN_HU = 20.0
# A Gaussian beyond this many standard deviations adds less than 5 %.
KERNEL_REACH = 2.0
# A Gaussian of fewer slices gives a neighbour exp(-0.5 / 0.05^2), which is 0 in float32.
NO_SMOOTHING_BELOW = 0.05


def compose(
    kind: str,
    x: torch.Tensor,
    base: torch.Tensor,
    moved: torch.Tensor,
    hu_per_unit: float,
    bounds: Bounds | None = None,
) -> torch.Tensor:
    """Return the changed slices.

    Parameters
    ----------
    kind : str
        `local`, `bounded` or `residual`.
    x, base, moved : torch.Tensor
        (N, 1, H, W), 0..1: scan, D(z), D(z + lambda g).
    hu_per_unit : float
        HU per unit of these intensities.
    bounds : Bounds, optional
        Of these slices: what the decoder's picture may become.

    Returns
    -------
    torch.Tensor
        (N, 1, H, W), 0..1; equal to `x` wherever `moved` equals `base`.
    """
    if bounds is not None:
        moved = bounds.hold(moved, base)
    change = moved - base
    if kind != "residual":
        margin = MARGIN_HU / hu_per_unit
        changed = x + F.softshrink(change, NOISE_HU / hu_per_unit)
        low = torch.minimum(x, moved) - margin
        high = torch.maximum(x, moved) + margin
        changed = torch.minimum(torch.maximum(changed, low), high)
    else:
        changed = x + change
    return changed.clamp_(0, 1)


def kernel_reach(sigma: float) -> int:
    """Return how many slices a change is spread to either side by `smooth_along_slices`."""
    return math.ceil(KERNEL_REACH * sigma)


def smooth_along_slices(change: torch.Tensor, sigma: float) -> torch.Tensor:
    """Smooth a change along the slices with a Gaussian; the ends are continued.

    Parameters
    ----------
    change : torch.Tensor
        (N, 1, H, W): neighbouring slices.
    sigma : float
        Standard deviation in slices; 0 returns `change` as it is.

    Returns
    -------
    torch.Tensor
        (N, 1, H, W).
    """
    reach = kernel_reach(sigma)
    if sigma < NO_SMOOTHING_BELOW or len(change) == 1:
        return change
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    weights = weights / weights.sum()
    smoothed = torch.zeros_like(change)
    for offset, weight in zip(offsets.tolist(), weights.tolist(), strict=True):
        index = (torch.arange(len(change)) + offset).clamp(0, len(change) - 1)
        smoothed += weight * change[index]
    return smoothed
