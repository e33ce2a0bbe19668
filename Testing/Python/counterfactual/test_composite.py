"""How a change is carried over to the scan: identity, bounds, and the derivative at 0."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from CTCounterfactualLib.counterfactual.composite import (
    MARGIN_HU,
    NO_SMOOTHING_BELOW,
    NOISE_HU,
    compose,
    smooth_along_slices,
)
from CTCounterfactualLib.counterfactual.settings import COMPOSITES

HU_PER_UNIT = 2000.0  # of the default window
MARGIN, NOISE = MARGIN_HU / HU_PER_UNIT, NOISE_HU / HU_PER_UNIT
SHAPE = (2, 1, 3, 4)
unit = arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32))


def one(*values: float) -> list[torch.Tensor]:
    return [torch.tensor([[[[value]]]], dtype=torch.float64) for value in values]


@pytest.mark.parametrize("kind", COMPOSITES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(x=unit, base=unit)
def test_no_change_is_the_scan_bit_for_bit(kind, x, base):
    x, base = torch.from_numpy(x), torch.from_numpy(base)
    assert torch.equal(compose(kind, x, base, base.clone(), HU_PER_UNIT), x)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(x=unit, base=unit, moved=unit)
def test_bounded_stays_between_scan_and_picture(x, base, moved):
    x, base, moved = map(torch.from_numpy, (x, base, moved))
    changed = compose("bounded", x, base, moved, HU_PER_UNIT)
    assert torch.all(changed >= (torch.minimum(x, moved) - MARGIN).clamp(0, 1))
    assert torch.all(changed <= (torch.maximum(x, moved) + MARGIN).clamp(0, 1))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(x=unit, base=unit, moved=unit)
def test_bounded_never_changes_more_than_residual_nor_the_other_way(x, base, moved):
    x, base, moved = map(torch.from_numpy, (x, base, moved))
    bounded = compose("bounded", x, base, moved, HU_PER_UNIT) - x
    residual = compose("residual", x, base, moved, HU_PER_UNIT) - x
    assert torch.all(bounded.abs() <= residual.abs())
    assert torch.all(bounded * residual >= 0)


@pytest.mark.parametrize("kind", COMPOSITES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(x=unit, base=unit, moved=unit)
def test_inputs_are_left_alone_and_output_is_an_intensity(kind, x, base, moved):
    tensors = [torch.from_numpy(t) for t in (x, base, moved)]
    copies = [t.clone() for t in tensors]
    changed = compose(kind, *tensors, HU_PER_UNIT)
    assert all(torch.equal(a, b) for a, b in zip(tensors, copies, strict=True))
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1


@pytest.mark.parametrize(
    ("kind", "x", "base", "moved", "expected"),
    [
        # the decoder sees 0.3 -> 0.5, the scan is 0.3 as well: bounded takes 10 HU = 0.005 off
        ("residual", 0.3, 0.3, 0.5, 0.5),
        ("bounded", 0.3, 0.3, 0.5, 0.495),
        ("bounded", 0.5, 0.5, 0.3, 0.305),
        # 8 HU are within noise
        ("residual", 0.3, 0.6, 0.604, 0.304),
        ("bounded", 0.3, 0.6, 0.604, 0.3),
        # a bright vessel (0.6) that the decoder doesn't show: residual brightens it to 0.8 ...
        ("residual", 0.6, 0.3, 0.5, 0.8),
        # ... bounded stops at the brighter of scan and picture, plus 20 HU = 0.01
        ("bounded", 0.6, 0.3, 0.5, 0.61),
        # darkening below both: stops 0.01 under the darker one
        ("bounded", 0.2, 0.5, 0.3, 0.19),
        # the scale's ends
        ("residual", 0.9, 0.1, 0.8, 1.0),
        ("residual", 0.1, 0.8, 0.1, 0.0),
    ],
)
def test_values_worked_out_by_hand(kind, x, base, moved, expected):
    changed = compose(kind, *one(x, base, moved), HU_PER_UNIT)
    assert float(changed) == pytest.approx(expected, abs=1e-12)


def slope(kind, x, base, change, direction) -> torch.Tensor:
    """Return the derivative of the composite where the picture has moved by `change`."""
    step = 1e-6
    ahead, behind = (
        compose(kind, x, base, base + change + sign * step * direction, HU_PER_UNIT)
        for sign in (1, -1)
    )
    return (ahead - behind) / (2 * step)


def test_derivative_at_zero():
    """The residual's is that of the decoder; bounded ignores what is within noise."""
    rng = np.random.default_rng(0)
    x, base = (torch.from_numpy(rng.uniform(0.05, 0.95, SHAPE)) for _ in range(2))
    direction = torch.from_numpy(rng.standard_normal(SHAPE))
    residual, bounded = (slope(kind, x, base, 0.0, direction) for kind in ("residual", "bounded"))
    torch.testing.assert_close(residual, direction, rtol=0, atol=1e-9)
    assert not bounded.any()


@pytest.mark.parametrize("change", [-0.1, 1.5 * NOISE, 0.1])
def test_beyond_noise_bounded_moves_as_the_residual(change):
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.uniform(0.2, 0.8, SHAPE))
    direction = torch.from_numpy(rng.standard_normal(SHAPE))
    found = slope("bounded", x, x, change, direction)  # a decoder without blur: base = x
    torch.testing.assert_close(found, direction, rtol=0, atol=1e-9)


def test_smoothing_spreads_a_single_slice():
    change = torch.zeros(7, 1, 1, 1, dtype=torch.float64)
    change[3] = 1
    # sigma 1 reaches 2 slices: weights exp(-2), exp(-1/2), 1, ... over their sum 2.48373
    expected = [0, 0.054489, 0.244201, 0.402620, 0.244201, 0.054489, 0]
    smoothed = smooth_along_slices(change, 1.0).flatten().tolist()
    assert smoothed == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.0, 3.0])
@pytest.mark.parametrize("slices", [1, 2, 9])
def test_smoothing_keeps_what_is_alike_in_all_slices(sigma, slices):
    picture = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 1, 4, 5)))
    change = picture.expand(slices, -1, -1, -1)
    torch.testing.assert_close(smooth_along_slices(change, sigma), change, rtol=0, atol=1e-6)


def test_without_smoothing_the_change_is_itself():
    change = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 1, 4, 5)))
    assert smooth_along_slices(change, 0.0) is change


@pytest.mark.parametrize("sigma", [0.0, 1e-300, 1e-9, 0.04])
def test_smoothing_over_next_to_nothing_is_none(sigma):
    change = torch.tensor([0.0, 1.0, 0.5]).reshape(3, 1, 1, 1)
    assert torch.equal(smooth_along_slices(change, sigma), change)


def test_what_is_taken_for_no_smoothing_would_be_none_in_float32():
    assert float(torch.exp(torch.tensor(-0.5 / NO_SMOOTHING_BELOW**2))) == 0
