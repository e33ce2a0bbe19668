"""Which way a change goes as a whole: denser, less dense, or both.

What measures a size is moved by borders: of a smaller lung everything that changes becomes denser.
Where by far most of what a first small step gains comes of voxels that go one way, those that go
the other way are no part of that answer (the autoencoder's echo beside it, or a loophole of the
classifier: a liver that thins out) and are left out. Of a decision they aren't: what takes a
finding out may push aside what lies around it.
"""

from __future__ import annotations

import torch

from ..models.targets import Target
from .scale import LOGIT, has_logit
from .tissue import Bounds

# Share of the gain that makes a way.
ONE_WAY_SHARE = 2 / 3
DENSER, THINNER, BOTH = 1, -1, 0


def is_size(target: Target) -> bool:
    """Return whether a target measures something, and decides nothing."""
    return target.threshold is None and not (target.unit == LOGIT or has_logit(target.unit))


def gains_of(reaction: torch.Tensor, change: torch.Tensor) -> tuple[float, float]:
    """Return what voxels that became denser gain to first order, and what the others do.

    Parameters
    ----------
    reaction, change : torch.Tensor
        Of the same shape: the score's gain by a voxel's density, and how much that changed.
    """
    first, second = (
        float((reaction * part).sum(dtype=torch.float64))
        for part in (change.clamp_min(0), change.clamp_max(0))
    )
    return first, second


def way_of(gains: list[tuple[float, float]]) -> int:
    """Return `DENSER`, `THINNER` or `BOTH` of the gains of parts of a scan, as `gains_of` has them.

    What loses counts as nothing.
    """
    denser, thinner = (max(sum(gain[to] for gain in gains), 0.0) for to in (0, 1))
    total = denser + thinner
    if not total > 0:
        return BOTH
    if denser >= ONE_WAY_SHARE * total:
        return DENSER
    return THINNER if thinner >= ONE_WAY_SHARE * total else BOTH


def kept_to(bounds: Bounds, way: int, x: torch.Tensor) -> Bounds:
    """Return bounds that let nothing go the other way; x (D, 1, H, W), 0..1, gives their size."""
    if way == DENSER:
        return Bounds(torch.ones_like(x), bounds.brightest)
    return Bounds(bounds.darkest, torch.zeros_like(x)) if way == THINNER else bounds
