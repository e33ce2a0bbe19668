"""Logits of probabilities: known values, order, and where rounding has eaten them."""

import math

import numpy as np
import pytest

from CTCounterfactualLib.counterfactual.search.logit import logit, probability_of, saturated


@pytest.mark.parametrize(
    ("p", "found"),
    [
        (0.5, 0.0),
        (0.75, math.log(3)),
        (0.25, -math.log(3)),
        (1 / (1 + math.e**-20), 20.0),
        (1e-30, -30 * math.log(10)),
    ],
)
def test_known_logits(p, found):
    assert logit(p) == pytest.approx(found, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("value", [-80.0, -5.0, 0.0, 0.3, 30.0])
def test_there_and_back(value):
    assert logit(probability_of(value)) == pytest.approx(value, rel=1e-2, abs=1e-12)
    assert abs(value) > 20 or logit(probability_of(value)) == pytest.approx(value, rel=1e-7)


def test_the_ends_are_finite_and_nothing_is_beyond_them():
    ends = [logit(p) for p in (-1e-3, 0.0, 1e-300, 1e-37, 1 - 1e-12, 1.0, 1.001)]
    assert ends == sorted(ends) and all(map(math.isfinite, ends))
    assert (ends[0], ends[-1]) == (pytest.approx(-87.3, abs=0.1), pytest.approx(36.7, abs=0.1))
    assert probability_of(1000.0) == 1.0 and probability_of(-1000.0) == 0.0


def single(value: float) -> float:
    """Return the sigmoid of a logit as single precision has it."""
    return float(np.float32(1) / (np.float32(1) + np.exp(np.float32(-value), dtype=np.float32)))


@pytest.mark.parametrize(
    ("value", "lost"), [(0.0, False), (10.0, False), (14.0, False), (15.5, True), (30.0, True)]
)
def test_a_probability_near_1_is_saturated_once_single_precision_loses_its_logit(value, lost):
    assert saturated(single(value)) is lost
    # What is called lost is off by more than the rest: that is what the word means.
    assert lost or logit(single(value)) == pytest.approx(value, abs=0.06)


def test_double_precision_keeps_what_single_loses():
    assert not saturated(probability_of(15.5)) and not saturated(probability_of(30.0))
    assert saturated(probability_of(36.0)) and saturated(1.0)


def test_near_0_single_precision_keeps_the_logit_long():
    assert not saturated(1e-30)
    assert saturated(0.0) and saturated(1e-40)
