"""Gradients, SmoothGrad, integrated gradients and occlusion against what is known."""

import numpy as np
import pytest
from networks import Judge, Linear, Rectified, weights
from scans import SIZE, BlockFinder, scan_block, scan_with_block

from CTCounterfactualLib.errors import Cancelled, ModelError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.scans.grid import prepare

GRADIENTS = [
    "input-gradient",
    "smoothgrad",
    "integrated-gradients",
    "guided-backprop",
    "grad-cam",
    "hirescam",
]


def x():
    return prepare(scan_with_block(), Judge.grid).volume


def on_scan(values):
    """Turn (K, J, I) of the prepared grid to the scan's own axes: both in-plane ones run back."""
    return values[:, ::-1, ::-1]


def mapped(method, network=None, **options):
    return attribute(scan_with_block(), method, Judge(network or Linear()), options=options)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("input-gradient", {}),
        ("smoothgrad", {"samples": 3}),
    ],
)
def test_a_linear_score_has_its_weights_as_gradient(method, options):
    found = mapped(method, **options)
    assert found.values == pytest.approx(on_scan(weights().numpy()), abs=1e-5)
    assert (found.heatmap[found.values > 1] >= 6).all()
    labels = found.heatmap[found.values < -1]
    assert labels.min() >= 1 and labels.max() <= 5


def test_smoothgrad_averages_over_a_kink():
    """At x = 0.2 the ReLU is shut, but noise of 0.25 opens it in a third of the copies."""
    plain = mapped("input-gradient", Rectified()).values
    smooth = mapped("smoothgrad", Rectified(), samples=50, noise_hu=500.0).values
    dark = on_scan(x()) < 0.25
    assert not plain[dark].any()
    share = smooth[dark] / on_scan(weights().numpy())[dark]
    assert share.mean() == pytest.approx(0.345, abs=0.02)  # P(0.25 z > 0.1)


def test_integrated_gradients_sum_up_to_the_difference_of_scores():
    found = mapped("integrated-gradients", baseline="-200")
    baseline = 0.4
    expected = weights().numpy() * (x() - baseline)
    assert found.values == pytest.approx(on_scan(expected), abs=1e-5)
    assert found.facts["sum"] == pytest.approx(expected.sum(), abs=1e-3)
    assert abs(found.facts["missing"]) < 1e-3
    begun = float(weights().sum()) * baseline
    assert found.facts["score_baseline"] == pytest.approx(begun, rel=1e-4)


def test_integrated_gradients_that_do_not_sum_up_are_told():
    class Step(Linear):
        def forward(self, x):
            return 10 * (x.mean(dim=(1, 2, 3, 4)) * 400 - 40).sigmoid()

    found = mapped("integrated-gradients", Step(), steps=2)
    assert "not-complete" in [flag.name for flag in found.flags]


def test_occlusion_is_what_hiding_a_voxel_takes_away():
    found = mapped("occlusion", window_mm=0.1, stride_mm=0.1, occlusion="air")
    assert found.values == pytest.approx(on_scan(weights().numpy() * x()), abs=1e-3)
    assert found.facts["calls"] == np.prod(SIZE) + 1


def test_occlusion_takes_black_boxes_and_goes_only_where_something_is_hidden():
    found = attribute(
        scan_with_block(),
        "occlusion",
        BlockFinder(),
        options={"window_mm": 8.0, "stride_mm": 4.0, "occlusion": "-600"},
    )
    inside = np.zeros(SIZE, bool)
    inside[scan_block()] = True
    assert found.values.max() > 0 and found.values[inside].mean() > 4 * found.values[~inside].mean()
    assert found.facts["window"] == [2, 4, 4] and found.facts["stride"] == [1, 2, 2]


@pytest.mark.parametrize("method", GRADIENTS)
def test_a_black_box_has_no_gradient_to_take(method):
    with pytest.raises(ModelError, match=f"{method} needs the classifier's gradient, and block"):
        attribute(scan_with_block(), method, BlockFinder())


@pytest.mark.parametrize("method", ["guided-backprop", "grad-cam", "hirescam"])
def test_a_formula_has_no_layers(method):
    with pytest.raises(ModelError, match="lung-volume shows none: it is a formula"):
        attribute(scan_with_block(), method, "lung-volume")


@pytest.mark.parametrize("method", ["smoothgrad", "integrated-gradients", "occlusion"])
def test_a_cancel_ends_it(method):
    cancel = CancelToken()
    network = Linear()
    network.register_forward_hook(lambda *_: cancel.cancel())
    with pytest.raises(Cancelled):
        attribute(scan_with_block(), method, Judge(network), cancel=cancel)


def test_a_gradient_that_is_not_finite_is_told():
    class Broken(Linear):
        def forward(self, x):
            return (x - x.amin()).sqrt().sum(dim=(1, 2, 3, 4))

    with pytest.raises(ModelError, match="aren't finite"):
        mapped("input-gradient", Broken())
