"""Distances in features: known answers, few volumes of many features, and what is refused."""

import numpy as np
import pytest
import torch
from scipy import linalg

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.metrics.feature_distance import (
    frechet_distance,
    perceptual_distance,
)


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def test_frechet_equals_the_formula_with_the_matrix_root(rng):
    ours, real = (
        rng.normal(size=(60, 5)),
        rng.normal(1.0, 2.0, size=(80, 5)) @ rng.normal(size=(5, 5)),
    )
    a, b = np.cov(ours.T), np.cov(real.T)
    apart = ours.mean(0) - real.mean(0)
    expected = apart @ apart + np.trace(a + b - 2 * np.real(linalg.sqrtm(a @ b)))
    found = frechet_distance("toy", ours, real)
    assert found.value == pytest.approx(expected, rel=1e-6)
    assert (found.features, found.count, found.others) == ("toy", 60, 80)


def test_frechet_of_shifted_sets_is_the_shift_squared_even_with_few_images(rng):
    few = rng.normal(size=(4, 30))  # covariances of rank 3 in 30 dimensions
    assert frechet_distance("toy", few, few + 0.5).value == pytest.approx(30 * 0.25)
    assert frechet_distance("toy", few, few).value == pytest.approx(0, abs=1e-9)


def test_perceptual_distance_worked_out_by_hand():
    a = torch.tensor([[[1.0, 2.0], [0.0, 0.0]]])  # (1, 2 channels, 2 places)
    b = torch.tensor([[[0.0, 5.0], [3.0, 0.0]]])
    assert perceptual_distance([a], [b]) == pytest.approx((2 + 0) / 2)
    assert perceptual_distance([a, a], [b, a]) == pytest.approx(0.5)
    assert perceptual_distance([a], [-a]) == pytest.approx(4)


def test_what_can_not_be_compared_is_refused(rng):
    few = rng.normal(size=(3, 4))
    for wrong in (few[:1], few[:, :2], few[0]):
        with pytest.raises(SettingsError, match="at least 2"):
            frechet_distance("toy", few, wrong)
    with pytest.raises(SettingsError, match="same layers"):
        perceptual_distance([torch.ones(1, 2, 3)], [torch.ones(1, 2, 4)])
