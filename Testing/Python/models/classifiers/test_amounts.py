"""Amounts: density counts one way only, and the logit by hand."""

from __future__ import annotations

import math

import pytest
import torch

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.models.classifiers.amounts import Amount, density
from CTCounterfactualLib.models.classifiers.findings_network import FINDINGS

HU = torch.linspace(-1000, 1000, 2001, dtype=torch.float64)


def at(finding: str, hu: float) -> float:
    return float(density(torch.tensor([hu], dtype=torch.float64), finding))


@pytest.mark.parametrize("finding", FINDINGS)
def test_more_of_a_finding_is_never_less(finding):
    steps = density(HU, finding).diff()
    rounding = 1e-9  # of one softplus taken from another
    if finding == "pneumothorax":
        steps = -steps
    assert (steps >= -rounding).all()


@pytest.mark.parametrize("finding", ["effusion", "consolidation", "nodule"])
def test_fluid_counts_in_full_half_aerated_in_part_and_lung_hardly(finding):
    assert at(finding, 20) == pytest.approx(1.0, abs=0.005)
    assert at(finding, -415) == pytest.approx(0.5, abs=0.005)
    assert at(finding, -850) < 0.03
    assert at(finding, 100) > at(finding, 40) + 0.04  # denser fluid is more
    assert at(finding, 1000) == pytest.approx(at(finding, 400), abs=1e-3)


def test_free_air_counts_in_full_and_lung_hardly():
    assert at("pneumothorax", -990) == pytest.approx(1.0, abs=0.03)
    assert at("pneumothorax", -915) == pytest.approx(0.5, abs=0.005)
    assert at("pneumothorax", -800) < 1e-4


def test_the_whole_way_from_fluid_to_lung_has_a_slope():
    """A step on fluid must not stop at half-aerated fluid."""
    hu = torch.linspace(-800, 100, 181, dtype=torch.float64).requires_grad_(True)
    (slope,) = torch.autograd.grad(density(hu, "effusion").sum(), hu)
    assert slope.min() > 0.8 * slope.max()


def test_the_logit_by_hand():
    amount = Amount(present_ml=25.0, ignored_ml=15.0, slope=3.0)
    ml = torch.tensor([0.0, 25.0, 65.0], dtype=torch.float64)
    by_hand = [3 * math.log(15 / 40), 0.0, 3 * math.log(2)]
    assert amount.logit(ml).tolist() == pytest.approx(by_hand)


def test_a_small_false_amount_hardly_matters():
    amount = Amount(present_ml=25.0, ignored_ml=15.0)
    none, some = amount.logit(torch.tensor([0.0, 1.0]))
    assert 0 < float(some - none) < 0.25


@pytest.mark.parametrize("field", ["present_ml", "ignored_ml", "slope"])
def test_an_amount_needs_numbers_above_0(field):
    with pytest.raises(SettingsError, match=f"{field} is 0.0; it must be above 0"):
        Amount(**{"present_ml": 1.0, "ignored_ml": 1.0, field: 0.0})
