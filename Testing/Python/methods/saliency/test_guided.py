"""Guided backpropagation: what it cuts off, and what it can't guide."""

import numpy as np
import pytest
from networks import Judge, Linear, Rectified, weights
from scans import scan_with_block
from torch import nn

from CTCounterfactualLib.methods.attribute import attribute


def guided(network):
    return attribute(scan_with_block(), "guided-backprop", Judge(network))


def names(found):
    return [flag.name for flag in found.flags]


@pytest.mark.parametrize("inplace", [False, True])
def test_a_relu_layer_lets_positive_gradients_through_only(inplace):
    network = Rectified(inplace=inplace)
    found = guided(network)
    plain = attribute(scan_with_block(), "input-gradient", Judge(Rectified())).values
    assert plain.min() < 0 < plain.max()
    assert np.array_equal(found.values, np.clip(plain, 0, None))
    assert found.facts == {"relus_run": 1, "relus_guided": 1}
    assert "fails-randomisation" in names(found) and "relu-not-guided" not in names(found)
    assert network.relu.inplace is inplace
    assert not network.relu._forward_pre_hooks and not network.relu._forward_hooks


def test_a_relu_function_is_not_guided_and_that_is_told():
    found = guided(Rectified(layer=False, function=True))
    plain = attribute(scan_with_block(), "input-gradient", Judge(Rectified())).values
    assert np.array_equal(found.values, plain)  # what Captum gives without a word
    assert "relu-not-guided" in names(found)
    assert found.facts == {"relus_run": 1, "relus_guided": 0}


def test_some_of_both_are_counted():
    found = guided(Rectified(layer=True, function=True))
    (told,) = [flag.message for flag in found.flags if flag.name == "relu-not-guided"]
    assert "runs 2 ReLUs, 1 of them as functions" in told


def test_without_a_relu_it_is_the_plain_gradient_and_says_so():
    network = Linear()
    network.layer = nn.Identity()  # never run, but a layer to look at
    found = guided(network)
    assert "no-relu" in names(found)
    assert found.values == pytest.approx(weights().numpy()[:, ::-1, ::-1], abs=1e-5)
