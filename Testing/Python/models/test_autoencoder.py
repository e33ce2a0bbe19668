"""The slice autoencoder: padding, cropping, intensities, and latents that are codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CTCounterfactualLib.models.autoencoder import (
    FROM_NETWORK,
    TO_NETWORK,
    Affine,
    SliceAutoencoder,
)
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from oracle_problems import fill

CONFIG = VQGANConfig(
    ch=32,
    ch_mult=(1, 1, 1),
    num_res_blocks=1,
    attn_resolutions=(),
    z_channels=4,
    embed_dim=4,
    n_embed=16,
)  # f = 4


def build(config: VQGANConfig = CONFIG, **options) -> SliceAutoencoder:
    network = VQGAN(config)
    network.load_state_dict(fill(network.state_dict(), 3))
    return SliceAutoencoder(network.double(), **options)


def slices(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(0, 1, shape))


@pytest.mark.parametrize(
    ("size", "latent"),
    [((16, 16), (4, 4)), ((13, 16), (4, 4)), ((17, 30), (5, 8)), ((1, 3), (1, 1))],
)
def test_any_size_goes_in_and_comes_back(size, latent):
    autoencoder = build()
    z = autoencoder.encode(slices(2, 1, *size))
    assert z.shape == (2, 4, *latent)
    assert autoencoder.decode(z, size).shape == (2, 1, *size)
    assert autoencoder.decode(z).shape == (2, 1, 4 * latent[0], 4 * latent[1])


def test_padding_is_air_at_the_bottom_and_right():
    autoencoder = build()
    x = slices(1, 1, 13, 10)
    padded = torch.zeros(1, 1, 16, 12, dtype=torch.float64)  # 0 is air
    padded[..., :13, :10] = x
    assert torch.equal(autoencoder.encode(x), autoencoder.encode(padded))


def test_size_cuts_the_same_picture():
    autoencoder = build()
    z = autoencoder.encode(slices(1, 1, 13, 10))
    assert torch.equal(autoencoder.decode(z, (13, 10)), autoencoder.decode(z)[..., :13, :10])


@pytest.mark.parametrize(
    "variant", [{}, {"cosine_codebook": True}, {"code_groups": 2}, {"patch": 2}]
)
def test_latents_lie_on_codes(variant):
    autoencoder = build(VQGANConfig(**{**CONFIG.to_dict(), "ch_mult": (1, 1, 1), **variant}))
    z = autoencoder.encode(slices(2, 1, 24, 16))
    quantizer = autoencoder.network.quantize
    distance = torch.cdist(quantizer.vectors(z), quantizer.codes())
    assert float(distance.min(1).values.max()) < 1e-6
    assert len(quantizer.indices(z).unique()) > 1


def test_default_intensities_are_inverse_and_span_minus_one_to_one():
    unit = torch.linspace(0, 1, 11, dtype=torch.float64)
    network = TO_NETWORK(unit)
    assert (float(network[0]), float(network[-1])) == (-1.0, 1.0)
    torch.testing.assert_close(FROM_NETWORK(network), unit)


def test_intensities_of_a_card_are_used():
    plain = build()
    paper = build(from_network=Affine(0.25, 0.5))  # (y + 2) / 4
    z = plain.encode(slices(1, 1, 8, 8))
    own = 2 * plain.decode(z) - 1  # the network's own y
    torch.testing.assert_close(paper.decode(z), (own + 2) / 4)
    dark = build(to_network=Affine(2.0, -3.0))
    x = slices(1, 1, 8, 8)
    assert torch.equal(dark.encode(x + 1), plain.encode(x))


def test_decoding_does_not_quantise():
    autoencoder = build()
    z = autoencoder.encode(slices(1, 1, 8, 8))
    assert not torch.equal(autoencoder.decode(z), autoencoder.decode(z + 1e-3))


def test_network_is_frozen_and_in_eval_mode():
    network = VQGAN(VQGANConfig(**{**CONFIG.to_dict(), "ch_mult": (1, 1), "dropout": 0.5})).train()
    autoencoder = SliceAutoencoder(network)
    assert not any(p.requires_grad for p in autoencoder.parameters())
    x = slices(1, 1, 8, 8).float()
    z = autoencoder.encode(x)
    assert torch.equal(autoencoder.decode(z), autoencoder.decode(z))  # dropout is off


@pytest.mark.parametrize("options", [{}, {"transpose": True}, {"scale": 1.25}])
def test_the_network_grid_is_that_of_the_latents(options):
    """So a region's pixels fall on the latents that draw them, turned and resized as they are."""
    autoencoder = build(**options)
    factor = autoencoder.factor
    mask = torch.zeros(1, 1, 8 * factor, 4 * factor, dtype=torch.float64)
    mask[..., :factor, -factor:] = 1  # top right
    seen = autoencoder.on_network_grid(mask)
    latents = autoencoder.encode(mask)
    assert seen.shape[-2:] == (factor * latents.shape[-2], factor * latents.shape[-1])
    row, column = (int(n) for n in seen[0, 0].nonzero().float().mean(0))
    top_right = row < seen.shape[-2] / 2 and column > seen.shape[-1] / 2
    bottom_left = row > seen.shape[-2] / 2 and column < seen.shape[-1] / 2
    assert bottom_left if options.get("transpose") else top_right
