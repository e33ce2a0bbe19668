"""The places' network: voxels and sites, padding, and that where a finding lies is kept."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.models.classifiers.findings_network import (
    CHANNELS,
    FindingsConfig,
    FindingsNet,
    _to_voxels,
    pad,
    pool,
    to_sites,
)


def network(seed: int = 0) -> FindingsNet:
    torch.manual_seed(seed)
    return FindingsNet(FindingsConfig(width=2)).eval().requires_grad_(False)


def test_sites_and_voxels_are_each_others_inverse():
    """A channel of `to_sites` that is shuffled back is the volume it was made of."""
    x = torch.rand(2, 1, 8, 16, 24, generator=torch.Generator().manual_seed(1))
    seen = to_sites(x)
    assert seen.shape == (2, 24, 4, 8, 12)
    assert torch.allclose(_to_voxels(seen)[:, :1], 2 * x - 1)  # the first of three views


def test_pooling_counts_what_is_there():
    x = torch.arange(3.0).reshape(1, 1, 3, 1, 1).expand(1, 1, 3, 4, 6)
    pooled = pool(x)
    # slices 0 and 1 -> 0.5; slice 2 alone -> 2, as do the two columns that stick out
    assert pooled[0, 0].tolist() == [[[0.5, 0.5]], [[2.0, 2.0]]]


def test_padding_repeats_the_last():
    padded = pad(torch.rand(1, 1, 5, 9, 8))
    assert padded.shape == (1, 1, 8, 16, 8)
    assert torch.equal(padded[:, :, 7], padded[:, :, 4])


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 31, 18), (16, 8, 8)])
def test_any_size_gives_a_place_to_each_voxel(shape):
    x = torch.rand(1, 1, *shape)
    places = network()(x)
    assert places.shape == (1, len(CHANNELS), *shape)
    assert places.isfinite().all()


def test_a_voxel_answers_to_what_is_near_it_most():
    """A shuffle of axes or of halves of a site would answer elsewhere."""
    x = torch.full((1, 1, 16, 32, 40), 0.1).requires_grad_(True)
    for at in ((3, 7, 30), (12, 22, 5)):
        places = network()(x)
        (answer,) = torch.autograd.grad(places[0, :, at[0], at[1], at[2]].square().sum(), x)
        where = torch.nonzero(answer[0, 0].abs() == answer.abs().max())[0]
        assert (where - torch.tensor(at)).abs().max() <= 3
