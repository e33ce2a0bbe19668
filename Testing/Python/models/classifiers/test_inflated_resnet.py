"""The inflated ResNet against the paper's own, built there from torchvision's 2D network."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedResNet
from parity import PRECISIONS, fixture, gradient_error, keys_and_shapes, relative_error
from published_problems import (
    INPUT_SEED,
    RESNET_BLOCKS,
    RESNET_INPUT,
    RESNET_TARGETS,
    WEIGHT_SEED,
    fill_batch_normed,
    normal,
    uniform,
)


@pytest.fixture(scope="module")
def network():
    network = InflatedResNet(RESNET_BLOCKS, RESNET_TARGETS).double().eval()
    network.load_state_dict(fill_batch_normed(network.state_dict(), WEIGHT_SEED))
    return network


def test_full_network_has_the_published_keys_shapes_and_parameters():
    expected = fixture("inflated_resnet")
    with torch.device("meta"):  # half a gigabyte of weights that nobody reads
        full = InflatedResNet()
    assert keys_and_shapes(full) == expected["keys"].tolist()
    assert sum(p.numel() for p in full.parameters()) == int(expected["parameters"])


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_logits_and_input_gradient_equal_the_paper(network, dtype, tolerance):
    expected = fixture("inflated_resnet")
    x = uniform(INPUT_SEED, *RESNET_INPUT).to(dtype).requires_grad_(True)
    logits = network.to(dtype)(x)
    cotangent = normal(INPUT_SEED, *logits.shape).to(dtype)
    (gradient,) = torch.autograd.grad(logits, x, cotangent)
    assert relative_error(logits, expected["logits"]) < tolerance
    assert gradient_error(gradient, expected["gradient"]) < tolerance


def test_the_oracle_case_has_a_gradient_in_every_slice():
    """An inflated kernel's side taps start at zero, which would leave whole slices without one."""
    gradient = fixture("inflated_resnet")["gradient"]
    largest = abs(gradient).max(axis=(1, 3, 4))  # per volume and slice
    assert (largest > 0.01 * abs(gradient).max()).all()


def test_volumes_of_a_batch_do_not_mix(network):
    x = uniform(3, *RESNET_INPUT).to(next(network.parameters()).dtype)
    alone = torch.cat([network(volume[None]) for volume in x])
    torch.testing.assert_close(network(x), alone)
