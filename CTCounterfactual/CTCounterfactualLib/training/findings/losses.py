"""What the places should be: voxel by voxel, by overlap, and by the amount that follows."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ...models.classifiers.amounts import DEFAULT_AMOUNTS, density
from ...models.classifiers.findings_network import CHANNELS, FINDINGS, VOXEL_ML, gates
from .batches import Batch
from .findings_settings import FindingsSettings

# Fewer voxels of a finding than these weigh less, in proportion.
FOUND_VOXELS = 20.0
# Keeps the overlap of a small finding from being all or nothing, voxels.
DICE_VOXELS = 20.0


def places_loss(
    places: torch.Tensor, batch: Batch, settings: FindingsSettings, done: float = 1.0
) -> dict[str, torch.Tensor]:
    """Return the loss, `total`, and its terms, of logits (N, C, D, H, W).

    done: share of the training that is done.
    """
    gate = gates(places)
    terms = {
        "voxels": voxel_loss(places, batch, found_share(settings, done)),
        "overlap": overlap_loss(gate, batch),
        "amount": amount_loss(gate, batch),
    }
    terms["total"] = (
        terms["voxels"]
        + settings.overlap_weight * terms["overlap"]
        + settings.amount_weight * (done >= settings.amount_from) * terms["amount"]
    )
    return terms


def found_share(settings: FindingsSettings, done: float) -> float:
    """Return the weight of voxels with a finding when a share of the training is done."""
    first, last = settings.found_share
    return first * (last / first) ** done


def voxel_loss(places: torch.Tensor, batch: Batch, share: float) -> torch.Tensor:
    """Return the cross entropy of known voxels, the sum over channels.

    In each channel the mean over voxels without plus `share` of the mean over those with.
    """
    axes = (0, 2, 3, 4)
    found, free = batch.known * batch.wanted, batch.known * (1 - batch.wanted)
    missed = (found * F.softplus(-places)).sum(axes) / (found.sum(axes) + FOUND_VOXELS)
    wrong = (free * F.softplus(places)).sum(axes) / free.sum(axes).clamp(min=1)
    return (share * missed + wrong).sum()


def overlap_loss(gate: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return 1 - Dice over the batch's known voxels, the mean of the channels that it shows.

    Source: Milletari et al., "V-Net", 3DV 2016; soft, with squares below.
    """
    axes = (0, 2, 3, 4)
    both = (batch.known * gate * batch.wanted).sum(axes)
    each = (batch.known * (gate**2 + batch.wanted**2)).sum(axes)
    shown = (batch.known * batch.wanted).sum(axes) > DICE_VOXELS
    loss = 1 - (2 * both + DICE_VOXELS) / (each + DICE_VOXELS)
    return (loss * shown).sum() / shown.sum().clamp(min=1)


def amount_loss(gate: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return how far the logarithms of the amounts are from those of what was painted."""
    losses = []
    for finding in FINDINGS:
        number, ignored = CHANNELS.index(finding), DEFAULT_AMOUNTS[finding].ignored_ml
        rho = density(batch.hu[:, 0], finding) * batch.known[:, number]
        seen, true = (
            (values[:, number] * rho).sum((1, 2, 3)) * VOXEL_ML + ignored
            for values in (gate, batch.wanted)
        )
        losses.append(torch.log(seen / true).abs().mean())
    return torch.stack(losses).mean()
