"""The R231 U-Net against lungmask's own (and, by the fixture's maker, the paper's copy of it)."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.models.classifiers.resunet import ResUNet
from parity import PRECISIONS, fixture, gradient_error, keys_and_shapes, relative_error
from published_problems import (
    INPUT_SEED,
    UNET_OUTPUT,
    UNET_SIZE,
    WEIGHT_SEED,
    fill_batch_normed,
    normal,
    uniform,
)

R231_ENTRIES, R231_PARAMETERS = 227, 31.05e6  # of the published file


@pytest.fixture(scope="module")
def network():
    network = ResUNet().double().eval()
    network.load_state_dict(fill_batch_normed(network.state_dict(), WEIGHT_SEED))
    return network


def test_state_dict_has_the_published_keys_and_shapes(network):
    expected = fixture("unet")["keys"].tolist()
    assert keys_and_shapes(network) == expected
    assert len(expected) == R231_ENTRIES
    count = sum(p.numel() for p in network.parameters())
    assert count == pytest.approx(R231_PARAMETERS, abs=5e3)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_output_and_input_gradient_equal_lungmask(network, dtype, tolerance):
    """34 x 36 pixels halve to odd sides, so that every join on the way up cuts its bridge."""
    expected = fixture("unet")
    x = (2 * uniform(INPUT_SEED, 1, 1, *UNET_SIZE) - 0.5).to(dtype).requires_grad_(True)
    output = network.to(dtype)(x)
    assert output.shape == (1, 3, *UNET_OUTPUT)
    cotangent = normal(INPUT_SEED, *output.shape).to(dtype)
    (gradient,) = torch.autograd.grad(output, x, cotangent)
    assert relative_error(output[:, 1:], expected["lungs"]) < tolerance
    assert gradient_error(gradient, expected["gradient"]) < tolerance


def test_outputs_are_log_probabilities_of_the_same_size(network):
    x = uniform(1, 2, 1, 16, 32).to(next(network.parameters()).dtype)
    output = network(x)
    assert output.shape == (2, 3, 16, 32)
    torch.testing.assert_close(output.exp().sum(1), torch.ones_like(output[:, 0]))


def test_unused_tensors_change_nothing(network):
    x = uniform(1, 1, 1, 16, 16).to(next(network.parameters()).dtype)
    before = network(x)
    state = {k: v.clone() for k, v in network.state_dict().items()}
    unused = {k: torch.full_like(v, 7) for k, v in state.items() if "residual" in k}
    assert len(unused) == 7 * (5 + 4 + 4)  # in each block down, each up, and the block in each up
    network.load_state_dict(state | unused)
    assert torch.equal(network(x), before)
    network.load_state_dict(state)
