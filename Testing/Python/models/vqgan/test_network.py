"""The VQ-GAN against taming-transformers' own numbers, and the parts that are our addition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from oracle_problems import FIXTURES, VQGAN_CASES, fill, vqgan_inputs

WEIGHT_SEED, INPUT_SEED = 1, 2  # as in make_fixtures.py
TINY = {
    "ch": 32,
    "ch_mult": (1, 1),
    "num_res_blocks": 1,
    "attn_resolutions": (),
    "resolution": 16,
    "z_channels": 4,
    "embed_dim": 4,
    "n_embed": 8,
}


def build(config: dict, dtype: torch.dtype = torch.float64) -> VQGAN:
    network = VQGAN(VQGANConfig(**config)).to(dtype)
    network.load_state_dict(fill(network.state_dict(), WEIGHT_SEED))
    return network.eval().requires_grad_(False)


def run(network: VQGAN, config: dict, size, dtype: torch.dtype) -> dict[str, np.ndarray]:
    """Return this engine's counterpart of every output in a fixture."""
    inputs = {k: v.to(dtype) for k, v in vqgan_inputs(config, size, INPUT_SEED).items()}
    continuous = network.encode_continuous(inputs["slices"])
    quantised = network.encode(inputs["slices"])
    shifted = (quantised + inputs["shift"]).requires_grad_(True)
    decoded_shifted = network.decode(shifted)
    (vjp,) = torch.autograd.grad(decoded_shifted, shifted, grad_outputs=inputs["cotangent"])
    return {
        "continuous": continuous.numpy(),
        "indices": network.quantize.indices(continuous)[:, 0].numpy(),
        "quantised": quantised.detach().numpy(),
        "decoded": network.decode(quantised.detach()).numpy(),
        "decoded_shifted": decoded_shifted.detach().numpy(),
        "vjp": vjp.numpy(),
    }


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.fixture(params=VQGAN_CASES)
def case(request):
    config, size = VQGAN_CASES[request.param]
    with np.load(FIXTURES / f"vqgan_{request.param}.npz") as file:
        return config, size, dict(file)


def test_state_dict_has_the_published_keys_and_shapes(case):
    config, _, expected = case
    state = build(config).state_dict()
    found = [f"{key} {tuple(value.shape)}" for key, value in sorted(state.items())]
    assert found == expected["keys"].tolist()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_outputs_equal_the_published_code(case, dtype, tolerance):
    config, size, expected = case
    found = run(build(config, dtype), config, size, dtype)
    np.testing.assert_array_equal(found["indices"], expected["indices"])
    for name in ("continuous", "quantised", "decoded", "decoded_shifted", "vjp"):
        error = relative_error(found[name], expected[name])
        assert error < tolerance, f"{name}: {error:.1e}"


def test_oracle_cases_use_several_codes_and_leave_the_codebook(case):
    _, _, expected = case
    assert len(np.unique(expected["indices"])) > 1
    assert relative_error(expected["decoded_shifted"], expected["decoded"]) > 0.01


@pytest.mark.parametrize(
    ("ch_mult", "patch", "factor"),
    [
        ((1,), 1, 1),
        ((1, 2), 1, 2),
        ((1, 1, 2, 2, 4), 1, 16),
        ((1, 1, 1, 1, 1, 1), 1, 32),
        ((1, 2), 2, 4),
        ((1, 1, 2), 4, 16),
    ],
)
def test_factor_is_patch_times_a_half_per_level(ch_mult, patch, factor):
    assert VQGANConfig(ch_mult=ch_mult, patch=patch).factor == factor


@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("middle", [True, False])
def test_shapes_of_latents_and_slices(patch, middle):
    network = build({**TINY, "patch": patch, "mid_attention": middle})
    x = torch.zeros(2, 1, 16, 24, dtype=torch.float64)
    z = network.encode(x)
    assert z.shape == (2, 4, 16 // (2 * patch), 24 // (2 * patch))
    assert network.decode(z).shape == x.shape


def test_without_mid_attention_nothing_far_away_matters():
    """Attention is the only part with unlimited reach; GroupNorm has it too, so it is levelled."""
    reach = {}
    for middle in (True, False):
        network = build({**TINY, "mid_attention": middle})
        for module in network.modules():
            if isinstance(module, torch.nn.GroupNorm):
                module.forward = lambda h: h
        z = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 4, 1, 40)))
        z.requires_grad_(True)
        (gradient,) = torch.autograd.grad(network.decode(z)[0, 0, 0, 0], z)
        reach[middle] = float(gradient[..., 30:].abs().max())
    assert reach[False] == 0.0
    assert reach[True] > 0.0


def test_slices_of_a_batch_do_not_see_each_other():
    network = build(VQGAN_CASES["coarse_attention"][0])
    x = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (3, 1, 16, 16)))
    together = network.decode(network.encode(x))
    alone = torch.cat([network.decode(network.encode(part)) for part in x.split(1)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_cosine_codebook_decodes_directions_only():
    network = build({**TINY, "cosine_codebook": True})
    z = torch.randn(1, 4, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(network.decode(z), network.decode(7.5 * z), rtol=0, atol=1e-12)


def test_double_z_doubles_the_encoder_output_only():
    network = VQGAN(VQGANConfig(**{**TINY, "double_z": True}))
    assert network.encoder.conv_out.out_channels == 8
    assert network.quant_conv.in_channels == 8
    assert network.decoder.conv_in.in_channels == 4


def test_config_survives_json_values():
    config = VQGANConfig(ch_mult=(1, 2, 3), attn_resolutions=(), patch=2, code_groups=4)
    assert VQGANConfig.from_dict(config.to_dict()) == config
    assert isinstance(config.to_dict()["ch_mult"], list)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ch_mult": []}, r"ch_mult = \(\); expected a list of 1 to 16 numbers"),
        ({"ch_mult": [1] * 17}, "a list of 1 to 16"),
        ({"ch_mult": [0]}, "ch_mult = 0"),
        ({"ch_mult": [1.5]}, "ch_mult = 1.5"),
        ({"ch_mult": 2}, "ch_mult = 2"),
        ({"ch": 10**9}, "ch = 1000000000; expected whole numbers from 1 to"),
        ({"ch": True}, "ch = True"),
        ({"ch": "wide"}, "ch = 'wide'"),
        ({"n_embed": 0}, "n_embed = 0"),
        ({"num_res_blocks": 10**6}, "num_res_blocks"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"dropout": float("nan")}, "dropout = nan"),
        ({"double_z": "no"}, "double_z = 'no'"),
        ({"code_groups": 3}, "code_groups = 3; expected divisors of 256"),
        ({"ch_mult": [1] * 9, "patch": 2}, "at most 256 pixels per latent"),
        ({"attn_resolutions": [16, None]}, "attn_resolutions = None"),
    ],
)
def test_sizes_that_make_no_network_are_named(change, words):
    with pytest.raises(ModelError, match=words):
        VQGANConfig.from_dict(change)
