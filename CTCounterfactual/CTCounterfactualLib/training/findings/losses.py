"""What the places should be: voxel by voxel, and by overlap.

A loss of the amounts' logarithms was tried beside these: the least of it is learned first, which is
to see nothing anywhere, and there it stayed.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ...models.classifiers.findings_network import gates
from .batches import Batch
from .findings_settings import FindingsSettings

# Fewer voxels of a finding than these weigh less, in proportion.
FOUND_VOXELS = 20.0
# Keeps the overlap of a small finding from being all or nothing, voxels.
DICE_VOXELS = 20.0


def places_loss(
    logits: torch.Tensor, batch: Batch, settings: FindingsSettings, done: float = 1.0
) -> dict[str, torch.Tensor]:
    """Return the loss, `total`, and its terms, of logits (N, C, D, H, W).

    done: share of the training that is done.
    """
    terms = {
        "voxels": voxel_loss(logits, batch, found_share(settings, done)),
        "overlap": overlap_loss(gates(logits), batch),
    }
    terms["total"] = terms["voxels"] + settings.overlap_weight * terms["overlap"]
    return terms


def found_share(settings: FindingsSettings, done: float) -> float:
    """Return the weight of voxels with a finding when a share of the training is done."""
    first, last = settings.found_share
    return first * (last / first) ** done


def voxel_loss(logits: torch.Tensor, batch: Batch, share: float) -> torch.Tensor:
    """Return the cross entropy of known voxels, the sum over channels.

    In each channel the mean over voxels without plus `share` of the mean over those with.
    """
    axes = (0, 2, 3, 4)
    found, free = batch.known * batch.wanted, batch.known * (1 - batch.wanted)
    missed = (found * F.softplus(-logits)).sum(axes) / (found.sum(axes) + FOUND_VOXELS)
    wrong = (free * F.softplus(logits)).sum(axes) / free.sum(axes).clamp(min=1)
    return (share * missed + wrong).sum()


def overlap_loss(gate: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return 1 - Dice of known voxels, the mean over volumes and channels that show something.

    Source: Milletari et al., "V-Net", 3DV 2016; soft, with squares below.
    """
    axes = (2, 3, 4)
    both = (batch.known * gate * batch.wanted).sum(axes)
    each = (batch.known * (gate**2 + batch.wanted**2)).sum(axes)
    shown = (batch.known * batch.wanted).sum(axes) > 0
    loss = 1 - (2 * both + DICE_VOXELS) / (each + DICE_VOXELS)
    return (loss * shown).sum() / shown.sum().clamp(min=1)
