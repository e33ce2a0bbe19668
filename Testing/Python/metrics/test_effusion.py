"""Measures of the effusion demo, on scores and gradients that are known."""

import numpy as np
import pytest
import torch

from CTCounterfactualLib.metrics.effusion import (
    Case,
    auc,
    logits,
    paint_cases,
    point,
    separate,
)
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.models.classifiers.effusion import LOGIT
from CTCounterfactualLib.scans.grid import GridSpec


class Weighted(Classifier):
    """Sum of a fixed weight times the volume: its gradient is the weight."""

    name = "weighted"
    description = ""
    grid = GridSpec()
    targets = (Target(LOGIT, "logit"),)

    def __init__(self, weight: np.ndarray):
        self.weight = torch.from_numpy(weight.astype(np.float32))

    def score(self, x, target=None):
        return (x * self.weight).sum(dim=(1, 2, 3, 4))


@pytest.fixture
def case(hu):
    fluid = np.zeros(hu.shape, np.float32)
    fluid[4:8, 20:28, 12:20] = 1.0  # 2 x 2 x 2 cubes of 6 mm
    return Case("block", GridSpec().window.to_unit(hu), fluid)


def test_auc_counts_pairs():
    # 1 beats 0 and 0.5; 0.5 beats 0 and ties with 0.5: (1 + 1 + 1 + 0.5) / 4
    assert auc(np.array([1.0, 0.5]), np.array([0.0, 0.5])) == pytest.approx(0.875)


def test_separation_at_even_odds():
    found = separate(np.array([2.0, 1.0, -1.0]), np.array([-2.0, 0.0]))
    assert (found.with_fluid, found.without) == (3, 2)
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.specificity == 1.0
    assert found.auc == pytest.approx(5 / 6)


def test_fluid_in_ml(case):
    assert case.ml == pytest.approx(4 * 8 * 8 * 6.75e-3)


def test_a_gradient_on_the_fluid_hits(case):
    found = point(Weighted(case.fluid), [case, case])
    assert (found.hits, found.cases) == (2, 2)
    assert found.energy == 1.0
    # The body has 60 x 112 voxels x 28 slices = 5880 cubes, less its corners, which opening rounds.
    assert found.chance == pytest.approx(8 / 5880, rel=0.1)


def test_a_gradient_elsewhere_misses(case):
    weight = np.roll(case.fluid, 20, axis=1) + 0.5 * case.fluid
    found = point(Weighted(weight), [case])
    assert found.hits == 0
    assert found.energy == pytest.approx(0.2)  # 0.25 / (1 + 0.25)


def test_cases_with_and_without_fluid(source):
    wet, dry = paint_cases(source, 3, seed=1, ml=(30.0, 60.0))
    assert [len(wet), len(dry)] == [3, 3]
    assert all(25.0 < c.ml < 70.0 for c in wet)
    assert all(c.ml == 0.0 for c in dry)
    assert np.array_equal(dry[0].volume, GridSpec().window.to_unit(source.hu))
    assert not np.array_equal(dry[1].volume, dry[0].volume)


def test_logits_of_cases(case):
    weight = np.zeros_like(case.fluid)
    weight[0, 40, 60] = 2.0  # a voxel of tissue, 50 HU
    assert logits(Weighted(weight), [case]) == pytest.approx([2 * 1050 / 2000])
