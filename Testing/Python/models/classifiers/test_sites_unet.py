"""The U-shaped network: voxels and sites, padding, and that it answers where it is asked."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from CTCounterfactualLib.models.classifiers.sites_unet import (
    SitesUNet,
    StandardConv,
    _to_voxels,
    pad,
    to_sites,
)

OUTPUTS = 3


def network(seed: int = 0) -> SitesUNet:
    torch.manual_seed(seed)
    return SitesUNet(2, OUTPUTS).eval().requires_grad_(False)


def test_sites_and_voxels_are_each_others_inverse():
    """A channel of `to_sites` that is shuffled back is the volume it was made of."""
    x = torch.rand(2, 1, 8, 16, 24, generator=torch.Generator().manual_seed(1))
    seen = to_sites(x)
    assert seen.shape == (2, 24, 4, 8, 12)
    assert torch.allclose(_to_voxels(seen)[:, :1], 2 * x - 1)  # the first of three views


def test_filters_are_standardised_whatever_their_weights():
    """So no step of training can blow up the signal, and an offset of all voxels is nothing."""
    torch.manual_seed(0)
    layer = StandardConv(3, 4)
    x = torch.rand(1, 3, 5, 6, 7)
    before = layer(x)
    with torch.no_grad():
        layer.weight.mul_(7.0).add_(0.3)
    torch.testing.assert_close(layer(x), before, rtol=1e-2, atol=1e-2)
    inside = (..., slice(1, -1), slice(1, -1), slice(1, -1))  # beyond the edge there are zeros
    torch.testing.assert_close(layer(x + 5)[inside], layer(x)[inside], rtol=1e-3, atol=1e-3)
    filters = layer.weight - layer.weight.mean((1, 2, 3, 4), keepdim=True)
    by_hand = F.conv3d(
        x,
        filters / filters.flatten(1).norm(dim=1)[:, None, None, None, None],
        layer.bias,
        padding=1,
    )
    torch.testing.assert_close(layer(x), 1.7881 * F.silu(by_hand), rtol=1e-3, atol=1e-3)


def test_padding_repeats_the_last():
    padded = pad(torch.rand(1, 1, 5, 9, 8))
    assert padded.shape == (1, 1, 8, 16, 8)
    assert torch.equal(padded[:, :, 7], padded[:, :, 4])


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 31, 18), (16, 8, 8)])
def test_any_size_gives_a_place_to_each_voxel(shape):
    x = torch.rand(1, 1, *shape)
    places = network()(x)
    assert places.shape == (1, OUTPUTS, *shape)
    assert places.isfinite().all()


def test_a_voxel_answers_to_what_is_near_it_most():
    """A shuffle of axes or of halves of a site would answer elsewhere."""
    x = torch.full((1, 1, 16, 32, 40), 0.1).requires_grad_(True)
    for at in ((3, 7, 30), (12, 22, 5)):
        places = network()(x)
        (answer,) = torch.autograd.grad(places[0, :, at[0], at[1], at[2]].square().sum(), x)
        where = torch.nonzero(answer[0, 0].abs() == answer.abs().max())[0]
        assert (where - torch.tensor(at)).abs().max() <= 3


def test_what_lies_far_away_changes_nothing():
    """Air beside a patient, say: nothing in the network counts what the volume shows besides."""
    x = torch.zeros(1, 1, 8, 144, 144)
    x[..., 64:80, 64:80] = torch.rand(8, 16, 16, generator=torch.Generator().manual_seed(0))
    wide = F.pad(x, (16, 16, 16, 16))
    far, near = (network()(v) for v in (wide, x))
    torch.testing.assert_close(far[..., 80:96, 80:96], near[..., 64:80, 64:80])
