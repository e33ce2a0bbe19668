"""Features of any classifier's network: the input of its last layer."""

import pytest
import torch
from torch import nn

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.backbones.layer import LayerBackbone
from CTCounterfactualLib.models.catalogue import load_backbone
from CTCounterfactualLib.models.classifier import Classifier
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.scans.grid import GridSpec


class Toy(Classifier):
    """Score = sum of the last layer; `twice` runs it for each half of the slices."""

    name, description = "toy", ""
    grid, targets = GridSpec(), (Target("it", "logit"),)

    def __init__(self, twice=False):
        self.network = nn.Sequential(nn.Conv3d(1, 3, 1), nn.ReLU(), nn.Conv3d(3, 1, 1))
        self.twice = twice

    def score(self, x, target=None):
        parts = x.split(x.shape[2] // 2, 2) if self.twice else (x,)
        return sum(self.network(part).sum(dim=(1, 2, 3, 4)) for part in parts)


@pytest.fixture
def x():
    return torch.rand((2, 1, 4, 3, 3), generator=torch.Generator().manual_seed(1))


def test_the_last_layers_input_is_taken_and_its_name_kept(x):
    toy = Toy()
    backbone = LayerBackbone(toy)
    maps = backbone.maps(x)
    assert torch.equal(maps, toy.network[1](toy.network[0](x)))
    assert backbone.layer == "2"
    assert torch.equal(LayerBackbone(toy, "0").maps(x), x)
    assert not toy.network[2]._forward_pre_hooks  # nothing is left behind


def test_a_layer_that_sees_parts_of_a_volume_is_refused(x):
    with pytest.raises(ModelError, match="is run 2 times for one score"):
        LayerBackbone(Toy(twice=True)).maps(x)


def test_what_has_no_layers_or_not_this_one_is_said():
    with pytest.raises(ModelError, match=r"has no convolution or linear layer '7'.*0, 2"):
        LayerBackbone(Toy(), "7")
    with pytest.raises(ModelError, match="lung-volume shows no layer"):
        load_backbone("lung-volume")


def test_an_embedded_classifier_serves_as_backbone():
    backbone = load_backbone("effusion-demo")
    features = backbone.features(torch.rand(2, 1, 8, 48, 48), "mean-max")
    assert backbone.layer == "evidence_of"
    assert features.shape[0] == 2 and features.shape[1] % 2 == 0
    assert not torch.allclose(features[0], features[1])
