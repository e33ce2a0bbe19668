"""Set the places' odds after training, so that the amounts are those that were painted."""

from __future__ import annotations

import torch

from ...models.classifiers.amounts import DEFAULT_AMOUNTS, density
from ...models.classifiers.findings_network import gates
from ...models.classifiers.sites_unet import BLOCK, SitesUNet
from ...scans.grid import GridSpec
from .batches import BatchSampler

# Shifts of a channel's logit that are tried.
SHIFTS = torch.arange(-3.0, 3.01, 0.25)
BATCHES = 60
# A finding that is missed stays in the counterfactual: it counts more than one that isn't there.
MISSED_WEIGHT = 2.0
# Lung's place has no amount of its own: mL below which it doesn't matter.
IGNORED_LUNG_ML = 50.0


def calibrate(network: SitesUNet, sampler: BatchSampler) -> list[float]:
    """Shift the logits of each channel, in place, and return by how much.

    Findings weigh more in training than they are frequent, so that they are learned at all: their
    places come out too large. The shift is the one with the least mean error of the logarithm of
    the amount, weighed over samples with and without the finding. Of a chest a detail shows
    a part only: there is as much again to be wrong about in each of its `parts`.
    """
    looks = sampler.looks
    names, voxel_ml = looks.names, looks.voxel_ml
    errors = torch.zeros(2, len(names), len(SHIFTS))  # without and with
    counts = torch.zeros(2, len(names), 1)
    with torch.no_grad():
        for _ in range(BATCHES):
            batch = sampler.batch()
            logits = network(GridSpec().window.to_unit(batch.hu))
            for number, name in enumerate(names):
                weight = batch.known[:, number] * voxel_ml
                ignored = IGNORED_LUNG_ML
                if name in DEFAULT_AMOUNTS:
                    weight = weight * density(batch.hu[:, 0], name)
                    ignored = DEFAULT_AMOUNTS[name].ignored_ml
                true = (weight * batch.wanted[:, number]).sum((1, 2, 3)) + ignored
                there = (true > 2 * ignored).float()
                counts[:, number, 0] += torch.stack([(1 - there).sum(), there.sum()])
                for at, shift in enumerate(SHIFTS):
                    seen = weight * gates(logits[:, number] + shift)
                    right = (seen * batch.wanted[:, number]).sum((1, 2, 3))
                    wrong = seen.sum((1, 2, 3)) - right
                    error = torch.log((right + looks.parts * wrong + ignored) / true).abs()
                    errors[:, number, at] += torch.stack(
                        [(error * (1 - there)).sum(), (error * there).sum()]
                    )
        without, found = errors / counts.clamp(min=1)
        best = SHIFTS[(without + MISSED_WEIGHT * found).argmin(1)]
        # Each channel's logits of a site's voxels lie side by side.
        network.place_of.get_parameter("bias").add_(best.repeat_interleave(BLOCK**3))
    return [float(shift) for shift in best]
