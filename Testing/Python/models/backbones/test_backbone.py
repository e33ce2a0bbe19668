"""Pooling by hand, and the inflated backbone: axes, window, gradient, rescoring."""

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.metrics.feature_distance import perceptual_distance
from CTCounterfactualLib.models.backbones.backbone import pooled
from CTCounterfactualLib.models.backbones.inflated import InflatedBackbone
from CTCounterfactualLib.models.classifiers.inflated_resnet import FEATURES
from CTCounterfactualLib.scans.hounsfield import IntensityWindow


def test_pooling_worked_out_by_hand():
    maps = torch.tensor([[[1.0, 3.0], [-2.0, 0.0]]])  # (1, 2, 2)
    assert pooled(maps).tolist() == [[2.0, -1.0]]
    assert pooled(maps, "max").tolist() == [[3.0, 0.0]]
    assert pooled(maps, "mean-max").tolist() == [[2.0, -1.0, 3.0, 0.0]]
    assert pooled(torch.tensor([[4.0, 5.0]]), "max").tolist() == [[4.0, 5.0]]
    with pytest.raises(ModelError, match=r"no pooling 'sum'; expected mean, max, mean-max"):
        pooled(maps, "sum")


def test_maps_are_the_networks_of_planes_with_i_first(backbone, volume):
    maps = backbone.maps(volume)
    assert maps.shape == (1, FEATURES, 2, 2, 1)  # (K/16, I/32, J/32) of (20, 32, 48)
    assert torch.allclose(maps, backbone.network(volume.transpose(-2, -1)), atol=1e-5)
    assert backbone.features(volume, "mean-max").shape == (1, 2 * FEATURES)


def test_maps_of_all_stages_end_with_the_last_ones(backbone, volume):
    stages = backbone.stages(volume)
    assert [maps.shape[1] for maps in stages] == [256, 512, 1024, FEATURES]
    assert torch.equal(stages[-1], backbone.maps(volume))
    assert perceptual_distance(stages, stages) == 0
    assert perceptual_distance(stages, backbone.stages(1 - volume)) > 0.01


def test_a_narrower_window_clips_what_lies_beyond_and_stretches_the_rest(trunk, volume):
    narrow = InflatedBackbone(trunk, IntensityWindow(-1000.0, 200.0))
    whole = InflatedBackbone(trunk)
    low = volume * 0.6  # -1000..200 HU
    assert torch.allclose(narrow.maps(low), whole.maps(volume), atol=1e-4)
    bright = torch.full_like(volume, 0.7)
    assert torch.equal(narrow.maps(bright), narrow.maps(bright + 0.2))


def test_the_gradient_reaches_the_volume_but_not_beyond_the_window(trunk, volume):
    x = volume[..., :8, :, :].clone()
    x[..., :24] = 0.8  # 600 HU
    x.requires_grad_(True)
    InflatedBackbone(trunk, IntensityWindow(-1000.0, 200.0)).features(x).square().sum().backward()
    assert x.grad is not None and not x.grad[..., :24].any()
    assert x.grad[..., 24:].abs().max() > 0


def test_maps_with_slices_replaced_equal_those_of_the_whole(backbone, volume):
    again = backbone.maps_again(volume)
    changed = 1 - volume[0].transpose(0, 1)[6:9]  # (n, 1, H, W)
    whole = volume.clone()
    whole[0, 0, 6:9] = changed[:, 0]
    assert torch.allclose(again(changed, 6), backbone.maps(whole), atol=1e-5)
    assert not torch.allclose(again(changed, 6), backbone.maps(volume), atol=1e-3)
