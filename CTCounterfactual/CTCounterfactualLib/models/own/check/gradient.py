"""Is a gradient true? Against central differences of the function itself."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

from ...faults import GRADIENT_CUT, NO_GRADIENT_TO_TAKE, naming_faults
from .findings import FAILED, OK, WARNING

# Greatest change of one voxel or latent, relative to the input's range: small enough for most
# networks to be straight, large enough to stand above the rounding of float32.
STEPS = (0.01, 0.003, 0.03)
# The predicted change must exceed the rounding of the score this many times to be measured.
ABOVE_ROUNDING = 50.0
AGREES, ROUGHLY = 0.05, 0.25
# Nodes of the smooth random direction along each axis.
COARSE = 4


def check_gradient(
    function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, span: float = 1.0
) -> tuple[str, str, torch.Tensor | None]:
    """Compare autograd with central differences along two directions.

    Along the gradient itself, and along a smooth random one, which also notices a part of the
    network that was cut off from the gradient.

    Parameters
    ----------
    function : callable
        Tensor -> scalar tensor.
    x : torch.Tensor
        Where.
    span : float
        Range of the values of `x`; steps are relative to it.

    Returns
    -------
    tuple
        (status, message, gradient or None).
    """
    leaf = x.detach().clone().requires_grad_(True)
    score = function(leaf)
    if not score.requires_grad:
        return FAILED, NO_GRADIENT_TO_TAKE, None
    with naming_faults("The model", f"the gradient at {tuple(x.shape)}", GRADIENT_CUT):
        (gradient,) = torch.autograd.grad(score, leaf, allow_unused=True)
    if gradient is None:
        return FAILED, GRADIENT_CUT, None
    if not bool(torch.isfinite(gradient).all()):
        return (
            FAILED,
            ("the gradient has NaN or infinite values; look for divisions by 0, sqrt(0), log(0)."),
            gradient,
        )
    length = float(gradient.double().norm())
    if length == 0:
        return (
            FAILED,
            (
                "the gradient is 0 everywhere. A threshold, argmax or saturated probability does "
                "that; give the logit."
            ),
            gradient,
        )
    own = _deviation(function, x, gradient / length, length, span)
    direction = _smooth_direction(x)
    predicted = float((gradient.double() * direction.double()).sum())
    other = _deviation(function, x, direction, predicted, span)
    return (*_verdict(own, other), gradient)


def _verdict(own: float | None, other: float | None) -> tuple[str, str]:
    measured = [value for value in (own, other) if value is not None]
    if not measured:
        return WARNING, (
            "finite and not 0, but too small to be measured by differences: the score hardly "
            "moves. Is a probability saturated? Then give the logit."
        )
    worst = max(measured)
    ways = (
        "along itself and a smooth random direction"
        if len(measured) == 2
        else ("along itself" if own is not None else "along a smooth random direction")
    )
    if worst <= AGREES:
        return OK, f"equals finite differences {ways} within {worst:.1%}"
    advice = (
        f"differs from finite differences {ways} by {worst:.0%}. Is a part of the network detached "
        f"or its backward made by hand?"
    )
    return (WARNING if worst <= ROUGHLY else FAILED), advice


def _deviation(
    function: Callable, x: torch.Tensor, direction: torch.Tensor, slope: float, span: float
) -> float | None:
    """Return the relative deviation of `slope` from differences, the best of a few steps.

    None if the change that `slope` predicts drowns in rounding at every step.
    """
    best = None
    scale = span / float(direction.abs().max())
    with torch.no_grad():
        for step in STEPS:
            h = step * scale
            above, below = (float(function(x + sign * h * direction)) for sign in (1, -1))
            measured = (above - below) / (2 * h)
            # Half the difference is what must stand above the rounding of one score.
            rounding = torch.finfo(x.dtype).eps * max(abs(above), abs(below))
            size = max(abs(slope), abs(measured))
            if size * h < ABOVE_ROUNDING * rounding:
                continue
            deviation = abs(measured - slope) / size
            best = deviation if best is None else min(best, deviation)
            if best <= AGREES:
                break
    return best


def _smooth_direction(x: torch.Tensor) -> torch.Tensor:
    """Return a smooth random field of the shape of `x`, the same at every call."""
    generator = torch.Generator().manual_seed(0)
    axes = x.ndim - 2
    coarse = torch.randn((1, 1, *[COARSE] * axes), generator=generator)
    mode = "trilinear" if axes == 3 else "bilinear"
    return F.interpolate(coarse, x.shape[2:], mode=mode).to(x).expand_as(x)
