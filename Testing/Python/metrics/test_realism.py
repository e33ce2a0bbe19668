"""Distances between sets of slices: formulas of one dimension, and worse pictures further away."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.realism import (
    HU_TEXTURE,
    LEAST_SLICES,
    frechet,
    hu_texture,
    kernel,
    realism,
)


def test_frechet_of_two_normal_sets_is_that_of_their_numbers():
    rng = np.random.default_rng(1)
    one, other = rng.normal(0, 1, (20000, 2)), rng.normal((3, 0), (2, 1), (20000, 2))
    # |m1 - m2|^2 + sum (s1 - s2)^2 of independent features
    assert frechet(one, other) == pytest.approx(9 + 1, rel=0.03)
    assert frechet(one, one) == pytest.approx(0, abs=1e-8)


def test_the_kernel_distance_of_equal_sets_is_0_on_average():
    rng = np.random.default_rng(2)
    found = [kernel(rng.normal(size=(20, 3)), rng.normal(size=(20, 3))) for _ in range(60)]
    assert np.mean(found) == pytest.approx(0, abs=3 * np.std(found) / np.sqrt(60))
    assert kernel(rng.normal(size=(20, 3)), rng.normal(1.5, 1, size=(20, 3))) > 1


def test_the_kernel_of_two_by_two_by_hand():
    # d = 1, k(u, v) = (uv + 1)^3: within [0, 1]: 1; within [1, 1]: 8; across: (1 + 1 + 8 + 8) / 4
    assert kernel(np.array([[0.0], [1.0]]), np.array([[1.0], [1.0]])) == pytest.approx(1 + 8 - 9)


def volume():
    rng = np.random.default_rng(4)
    hu = np.full((2 * LEAST_SLICES, 40, 40), -1000.0)
    hu[:, 5:35, 5:35] = 40
    hu[:, 12:25, 10:22] = -850
    return ((hu + rng.normal(0, 15, hu.shape) + 1000) / 2000).clip(0, 1)


BODY = np.zeros((2 * LEAST_SLICES, 40, 40), bool)
BODY[:, 5:35, 5:35] = True


def test_features_have_names_and_say_what_they_say():
    found = dict(zip(HU_TEXTURE, hu_texture(volume(), BODY)[0], strict=True))
    assert found["share of lung"] == pytest.approx(13 * 12 / 900)
    assert found["share of soft tissue"] == pytest.approx(1 - 13 * 12 / 900, abs=0.01)
    assert found["mean HU of tissue"] == pytest.approx(40, abs=2)
    assert found["spread of HU of tissue"] == pytest.approx(15, abs=2)


def test_stripes_are_further_away_than_a_smaller_lung():
    real = hu_texture(volume(), BODY)
    smaller, striped = volume(), volume()
    smaller[:, 12:14, 10:22] = 1040 / 2000
    striped[:, 5:35:2, 5:35] += 0.05
    near, far = (realism(real, hu_texture(v, BODY)) for v in (smaller, striped))
    assert near["frechet"] < far["frechet"] and near["kernel"] < far["kernel"]
    assert far["frechet"] > 5 * far["frechet_floor"]
    assert near["realism_slices"] == 2 * LEAST_SLICES


def test_few_slices_say_nothing():
    few = hu_texture(volume(), BODY)[: LEAST_SLICES - 1]
    assert realism(few, few) == {"realism_slices": LEAST_SLICES - 1}
