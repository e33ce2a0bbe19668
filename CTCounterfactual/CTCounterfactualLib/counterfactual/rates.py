"""How fast each slice's picture changes with lambda: from a change limit to a first step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

# Size of the step that measures how fast a slice changes, relative to its latents: small, so that
# the change is about linear, yet far above float32 rounding.
UNIT_STEP = 0.02
# Every so many slices are measured. In between, the change per latent step runs smoothly along the
# body; the rates only aim first steps, which every search corrects by what it sees.
STRIDE = 5
# Slices with a gradient below this share of the largest change less than rounding in so small a
# step; they take the ratio of their neighbours.
LEAST_SHARE = 1e-3

# lambda, indices of slices -> sum w |D(z + lambda g) - D(z)| of each, float64.
Moved = Callable[[float, torch.Tensor], torch.Tensor]


def change_rates(
    latents: torch.Tensor, gradient: torch.Tensor, sign: float, moved: Moved
) -> torch.Tensor:
    """Return d(sum w |D(z + lambda g) - D(z)|)/d|lambda| of each slice.

    By one small step of some slices, of the decoder's picture: the composite hides so small a step
    as noise. Other slices take the interpolated ratio of picture to latents, times their own |g|.

    Parameters
    ----------
    latents, gradient : torch.Tensor
        (D, C, h, w).
    sign : float
        Direction of lambda, -1 or 1.
    moved : callable
        lambda, (n,) slice indices -> (n,) sums of weighted absolute changes.

    Returns
    -------
    torch.Tensor
        (D,), float64; 0 where the gradient is.
    """
    sizes = _rms(gradient)
    largest = sizes.max()
    if not largest > 0:
        return torch.zeros(len(gradient), dtype=torch.float64)
    chosen = torch.nonzero(sizes > LEAST_SHARE * largest).flatten()[::STRIDE]
    step = small_step(latents, gradient)
    ratios = moved(sign * step, chosen).cpu() / step / sizes[chosen].cpu()
    everywhere = np.interp(np.arange(len(gradient)), chosen.cpu().numpy(), ratios.numpy())
    return torch.from_numpy(everywhere) * sizes.cpu()


def small_step(latents: torch.Tensor, gradient: torch.Tensor) -> float:
    """Return |lambda| of a step that is small for every slice, `UNIT_STEP`; 0 without gradient."""
    largest = _rms(gradient).max()
    return UNIT_STEP * float(_rms(latents).mean() / largest) if largest > 0 else 0.0


def _rms(tensor: torch.Tensor) -> torch.Tensor:
    """Return the root mean square of each slice: (D, C, h, w) -> (D,), float64."""
    return tensor.double().square().mean(dim=(1, 2, 3)).sqrt()
