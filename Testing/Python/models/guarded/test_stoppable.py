"""Cancel is obeyed within a pass through a network: told by how many layers still run."""

import copy
import pickle
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from CTCounterfactualLib.errors import Cancelled
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.models.guarded.stoppable import stoppable

LAYERS = 12


class Passes(torch.autograd.Function):
    """Tells a layer of its backward."""

    @staticmethod
    def forward(ctx, x, layer):
        ctx.layer = layer
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        ctx.layer.done("backward")
        return gradient, None


class Layer(nn.Module):
    """Writes down its passes and does something at a given one."""

    def __init__(self, number, log, at, action):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.number, self.log, self.at, self.action = number, log, at, action

    def forward(self, x):
        self.done("forward")
        return Passes.apply(self.linear(x).relu_(), self)

    def done(self, way):
        self.log.append((way, self.number))
        if (way, self.number) == self.at:
            self.action()


def deep(at=None, action=None):
    """Return a network of `LAYERS` layers and the log of its passes."""
    torch.manual_seed(2)
    log = []
    return nn.Sequential(*(Layer(n, log, at, action) for n in range(LAYERS))), log


def gradient(network):
    x = torch.ones(1, 3, requires_grad=True)
    return torch.autograd.grad(network(x).sum(), x)[0]


@pytest.mark.parametrize("held", [lambda n: n, lambda n: SimpleNamespace(nets={"a": n})])
def test_a_forward_ends_before_the_next_layer(held):
    token = CancelToken()
    network, log = deep(("forward", 4), token.cancel)
    with stoppable((held(network),), token.check), pytest.raises(Cancelled):
        network(torch.ones(1, 3))
    assert log == [("forward", n) for n in range(5)]


def test_a_backward_ends_before_the_next_layer():
    token = CancelToken()
    network, log = deep(("backward", 7), token.cancel)
    with stoppable((network,), token.check), pytest.raises(Cancelled):
        gradient(network)
    assert log[LAYERS:] == [("backward", n) for n in (11, 10, 9, 8, 7)]


def test_a_pass_that_is_computed_again_for_its_gradient_ends_too():
    token = CancelToken()
    network, log = deep()
    x = torch.ones(1, 3, requires_grad=True)
    with stoppable((network,), token.check):
        found = checkpoint(network, x, use_reentrant=False)
        token.cancel()
        with pytest.raises(Cancelled):
            torch.autograd.grad(found.sum(), x)
    assert log == [("forward", n) for n in range(LAYERS)]


def test_no_number_changes_and_no_hook_stays():
    network, _ = deep()
    asked = []
    before = gradient(network)
    with stoppable((network,), lambda: asked.append(1)):
        assert torch.equal(gradient(network), before)
    # Each layer and its Linear forward, their outputs backward, and the whole network's.
    assert len(asked) == 2 * (2 * LAYERS + 1)
    assert torch.equal(gradient(network), before)
    assert len(asked) == 2 * (2 * LAYERS + 1)
    for module in network.modules():
        assert not module._forward_pre_hooks and not module._forward_hooks


def test_hooks_go_after_an_error_too():
    network, _ = deep()
    with pytest.raises(KeyError), stoppable((network,), CancelToken().check):
        raise KeyError
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_a_network_copied_meanwhile_is_not_asked_afterwards():
    token = CancelToken()
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    with stoppable((network,), token.check):
        copies = copy.deepcopy(network), pickle.loads(pickle.dumps(network))
    token.cancel()
    for each in copies:
        assert torch.equal(gradient(each), gradient(network))


def test_outputs_in_dicts_and_tuples_are_asked_for_as_well():
    class Splits(nn.Module):
        def forward(self, x):
            return {"scores": x * 2, "names": ["a"]}

    token = CancelToken()
    network = Splits()
    x = torch.ones(2, requires_grad=True)
    with stoppable((network,), token.check):
        found = network(x)["scores"].sum()
        token.cancel()
        with pytest.raises(Cancelled):
            found.backward()


def test_torchscript_runs_as_before():
    layers = nn.Sequential(nn.Linear(3, 2), nn.ReLU(inplace=True))
    network = torch.jit.trace(layers, torch.ones(1, 3))
    token = CancelToken()
    token.cancel()
    before = gradient(network)
    with stoppable((network,), token.check):
        assert torch.equal(gradient(network), before)
