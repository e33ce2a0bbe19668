"""Networks of the caller come back on the device and in the mode that they had."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.guarded.borrowed import borrowed, networks_of, training_modules

CPU, META = torch.device("cpu"), torch.device("meta")


@pytest.fixture
def network():
    """Partly in training mode, partly frozen, with buffers."""
    made = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    made[1].eval()
    made[0].weight.requires_grad_(False)
    return made


def condition(network):
    return (
        [(name, module.training) for name, module in network.named_modules()],
        [(name, p.requires_grad, p.device.type, id(p)) for name, p in network.named_parameters()],
        [(name, b.device.type) for name, b in network.named_buffers()],
    )


@pytest.mark.parametrize("device", [CPU, META])
def test_they_come_back_as_they_were(network, device):
    before = condition(network)
    numbers = {name: value.clone() for name, value in network.state_dict().items()}
    with borrowed((SimpleNamespace(net=network),), device):
        assert not training_modules(network)
        assert not any(p.requires_grad for p in network.parameters())
        assert {t.device.type for t in network.state_dict().values()} == {device.type}
    assert condition(network) == before
    assert all(torch.equal(numbers[name], t) for name, t in network.state_dict().items())


def test_they_come_back_after_an_error_too(network):
    before = condition(network)
    with pytest.raises(KeyError), borrowed((network,), META):
        network.train()
        raise KeyError
    assert condition(network) == before


def test_moved_in_inference_mode_they_can_still_be_differentiated(network):
    with torch.inference_mode(), borrowed((network,), META):
        assert not any(p.is_inference() for p in network.parameters())


def test_torchscript_comes_back_as_well():
    network = torch.jit.trace(nn.Sequential(nn.Linear(2, 1), nn.Dropout()).eval(), torch.ones(1, 2))
    network.train()
    with borrowed((network,), CPU):
        assert not training_modules(network)
    assert network.training


def test_networks_are_found_where_models_keep_them():
    one, two, three = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)
    model = SimpleNamespace(net=one, folds=[two], heads={"a": three}, name="x")
    assert networks_of(model) == [one, two, three]
    assert networks_of(one) == [one]
    assert networks_of("lung-volume") == [] == networks_of(object())


def test_modules_in_training_mode_are_named(network):
    assert training_modules(network) == ["itself", "0", "2"]
    network.eval()
    assert training_modules(network) == []


def test_a_network_without_numbers_is_told():
    empty = SimpleNamespace(net=nn.Sequential(nn.Linear(2, 1, device="meta")))
    with (
        pytest.raises(ModelError, match=r"'0\.weight' of Sequential has no numbers"),
        borrowed((empty,), CPU),
    ):
        pytest.fail("it was run")
