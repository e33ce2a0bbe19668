"""Grad-CAM and HiResCAM against numbers worked out by hand, and the choice of the layer.

Channels are x and 2 x, the score sums places p times channels: the gradient of channel c at each
place is p_c. Grad-CAM: relu(mean(p_0) x + mean(p_1) 2 x); HiResCAM: relu(p_0 x + p_1 2 x).
"""

import numpy as np
import pytest
from networks import Judge, TwoChannels, weights
from scans import GRID, scan_with_block
from torch import nn

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.scans.grid import prepare

P0, P1 = weights(2).numpy(), weights(3).numpy()


def x():
    return prepare(scan_with_block(), GRID).volume


def mapped(method, network=None, **options):
    return attribute(scan_with_block(), method, Judge(network or TwoChannels()), options=options)


def test_hirescam_weighs_place_by_place():
    found = mapped("hirescam")
    expected = np.clip(P0 * x() + P1 * 2 * x(), 0, None)
    assert found.values == pytest.approx(expected[:, ::-1, ::-1], abs=1e-5)
    assert found.facts["layer"] == "channels"  # run last, though listed first
    assert found.facts["layer_shape"] == [1, 2, *x().shape]


def test_grad_cam_weighs_by_the_mean_and_so_points_elsewhere():
    found = mapped("grad-cam")
    weight = P0.mean() + 2 * P1.mean()
    expected = np.clip(weight * x(), 0, None)
    assert found.values == pytest.approx(expected[:, ::-1, ::-1], abs=1e-5)


def test_negative_values_can_be_kept():
    found = mapped("hirescam", keep_negative=True)
    assert found.values == pytest.approx((P0 * x() + P1 * 2 * x())[:, ::-1, ::-1], abs=1e-5)


def test_a_named_layer_is_taken():
    found = mapped("hirescam", layer="first")
    expected = np.clip((P0 + 2 * P1) * x(), 0, None)
    assert found.values == pytest.approx(expected[:, ::-1, ::-1], abs=1e-5)


def test_a_coarse_layer_is_stretched_over_the_scan():
    class Coarse(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool = nn.Conv3d(1, 1, 4, 4, bias=False)
            self.pool.weight.data.fill_(1 / 64)

        def forward(self, x):
            return self.pool(x).sum(dim=(1, 2, 3, 4))

    found = mapped("hirescam", Coarse())
    assert found.facts["layer_shape"] == [1, 1, 2, 4, 5]
    blocks = x().reshape(2, 4, 4, 4, 5, 4).mean(axis=(1, 3, 5))
    # The middle of the scan's last corner block, far from its neighbours' middles.
    assert found.values[0, -1, -1] == pytest.approx(blocks[0, 0, 0], rel=1e-3)
    assert found.values.max() <= blocks.max() + 1e-6


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ("nothing", "judge has no layer 'nothing'. Its last ones: channels, first, idle"),
        ("idle", "Layer 'idle' of judge isn't run"),
    ],
)
def test_a_layer_that_cannot_be_taken_is_told(layer, told):
    with pytest.raises(ModelError, match=told):
        mapped("grad-cam", layer=layer)


def test_a_layer_that_gives_no_volume_or_runs_twice_is_told():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv3d(1, 1, 1)
            self.flat = nn.Flatten()

        def forward(self, x):
            return self.flat(self.conv(self.conv(x))).sum(dim=1)

    with pytest.raises(ModelError, match=r"gives \(1, 2560\); a volume"):
        mapped("hirescam", Odd(), layer="flat")
    with pytest.raises(ModelError, match="is run 2 times"):
        mapped("hirescam", Odd())


def test_a_network_without_convolutions_is_told():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = nn.SiLU()

        def forward(self, x):
            return self.act(x).sum(dim=(1, 2, 3, 4))

    with pytest.raises(ModelError, match="judge has no convolution to take"):
        mapped("grad-cam", Plain())


def test_layers_that_are_not_run_for_the_score_are_told_and_whether_naming_one_would_help():
    class Idle(nn.Module):
        def __init__(self, act):
            super().__init__()
            self.conv, self.act = nn.Conv3d(1, 1, 1), act

        def forward(self, x):
            return (self.act(x) if self.act else x).sum(dim=(1, 2, 3, 4))

    with pytest.raises(ModelError, match="Name a layer that is, if its output is a volume: act"):
        mapped("grad-cam", Idle(nn.SiLU()))
    with pytest.raises(
        ModelError, match=r"naming one wouldn't help\. Use a method that needs none"
    ):
        mapped("grad-cam", Idle(None))
