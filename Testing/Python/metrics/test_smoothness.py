"""Stripes from slice to slice and borders between chunks: answers known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.smoothness import border_jump, roughness, slice_roughness


def test_an_even_ramp_is_as_steep_along_each_axis():
    k, j, i = np.mgrid[:5, :6, :7].astype(float)
    # 3 per mm along K; 3 and 4 per mm in plane: hypot 5
    ramp = 3 * k * 2.0 + 3 * j * 1.5 + 4 * i * 0.5
    assert slice_roughness(ramp, (0.5, 1.5, 2.0)) == pytest.approx(3 / 5)


def test_a_change_that_is_the_same_in_all_slices_is_smooth():
    picture = np.random.default_rng(1).normal(size=(12, 12))
    assert slice_roughness(np.stack([picture] * 5), (1, 1, 3)) == 0.0


def test_white_noise_is_about_as_rough_as_the_text_says():
    noise = np.random.default_rng(2).normal(size=(30, 60, 60))
    assert slice_roughness(noise, (1, 1, 1)) == pytest.approx(0.64, abs=0.03)


def test_what_did_not_change_does_not_smooth():
    noise = np.random.default_rng(3).normal(size=(6, 20, 20)).astype(np.float32)
    alone = roughness(np.pad(noise, 1), (1, 1, 1))["slice_roughness"]
    padded = roughness(np.pad(noise, ((9, 9), (50, 50), (50, 50))), (1, 1, 1))["slice_roughness"]
    assert padded == alone


def test_no_change_has_no_roughness():
    assert roughness(np.zeros((4, 5, 6)), (1, 1, 1)) == {}


def chunked(*values):
    return np.repeat(np.array(values, float), 4).reshape(-1, 2, 2)


def test_a_jump_at_the_border_is_told_as_a_ratio():
    values = chunked(1, 2, 3, 13, 14, 15)  # 10 across, 1 inside
    chunk = np.array([0, 0, 0, 1, 1, 1])
    assert border_jump(values, chunk) == {"border_jump": pytest.approx(10.0)}


def test_an_even_slope_has_no_border():
    assert border_jump(chunked(1, 2, 3, 4), np.array([5, 5, 6, 6])) == {"border_jump": 1.0}


def test_slices_without_any_change_do_not_hide_the_steps_of_others():
    values, chunk = chunked(0, 0, 0, 0, 1, 2, 8, 9), np.array([0, 0, 0, 0, 0, 0, 1, 1])
    # steps beside a change: 1, 1 and 1 inside, 6 across
    assert border_jump(values, chunk) == {"border_jump": pytest.approx(6.0)}


def test_one_chunk_has_no_border():
    assert border_jump(chunked(1, 2, 3), np.zeros(3, int)) == {}
    assert border_jump(chunked(0, 0, 0), np.array([0, 1, 1])) == {}
