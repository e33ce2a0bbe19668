"""Statistics: known answers from textbooks, by hand, and properties."""

import math

import numpy as np
import pytest

from CTCounterfactualLib.statistics.agreement import cohens_kappa, fleiss_kappa
from CTCounterfactualLib.statistics.bootstrap import difference_interval, mean_interval
from CTCounterfactualLib.statistics.compare import paired, unpaired
from CTCounterfactualLib.statistics.describe import described
from CTCounterfactualLib.statistics.shares import share


def names(number):
    return [f"p{n}" for n in range(number)]


def test_mean_and_standard_error_by_hand():
    found = described([2.0, 4.0, 4.0, 6.0, float("nan")])
    assert (found.n, found.mean, found.median) == (4, 4.0, 4.0)
    assert found.deviation == pytest.approx(math.sqrt(8 / 3))
    assert found.standard_error == pytest.approx(math.sqrt(8 / 3) / 2)


def test_too_few_values_have_no_error_and_none_no_mean():
    assert math.isnan(described([3.0]).standard_error)
    assert described([]).n == 0
    assert math.isnan(described([]).mean)


def test_welch_against_its_formula():
    one, two = np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 7.0, 9.0])
    found = unpaired(one, names(4), two, ["a", "b", "c"])
    assert found.value == pytest.approx(-4.5)
    # t = -4.5 / sqrt(5/12 + 4/3) = -3.4017, 2.91 degrees of freedom by Welch and Satterthwaite.
    from scipy.stats import t

    free = (5 / 12 + 4 / 3) ** 2 / ((5 / 12) ** 2 / 3 + (4 / 3) ** 2 / 2)
    assert found.p == pytest.approx(2 * t.sf(4.5 / math.sqrt(5 / 12 + 4 / 3), free))
    # Hedges' g: pooled variance (3 * 5/3 + 2 * 4) / 5 = 2.6, correction 1 - 3/19.
    assert found.effect == pytest.approx(-4.5 / math.sqrt(2.6) * (1 - 3 / 19))
    assert found.unit == "scans"


def test_pairs_are_compared_as_pairs():
    before = np.array([10.0, 20.0, 30.0, 40.0])
    after = before - np.array([1.0, 2.0, 3.0, 2.0])
    together = paired(before, after, names(4))
    apart = unpaired(before, names(4), after, names(4))
    assert together.value == apart.value == pytest.approx(2.0)
    assert together.p < 0.02 < 0.5 < apart.p
    assert together.effect == pytest.approx(2.0 / math.sqrt(2 / 3))
    assert together.rank_p == pytest.approx(0.125)  # of 2^4 signs the one and its opposite


def test_scans_of_one_patient_count_once():
    """A hundred copies of a patient's scan are no evidence: the p-value stays as it was."""
    one, two = np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 6.0])
    single = unpaired(one, ["a", "b", "c"], two, ["d", "e", "f"])
    copied = unpaired(np.repeat(one, 100), np.repeat(["a", "b", "c"], 100), two, ["d", "e", "f"])
    assert copied.p == pytest.approx(single.p)
    assert (single.unit, copied.unit) == ("scans", "patients")


def test_the_interval_draws_patients_not_scans():
    rng = np.random.default_rng(1)
    of_patient = rng.normal(size=30)
    values = np.repeat(of_patient, 20)
    low, high = mean_interval(values, [f"p{n}" for n in np.repeat(np.arange(30), 20)])
    wide = 2 * 1.96 * of_patient.std() / math.sqrt(30)
    assert high - low == pytest.approx(wide, rel=0.15)
    narrow = mean_interval(values, names(600))
    assert narrow[1] - narrow[0] < 0.35 * wide


def test_the_interval_covers_as_often_as_it_says():
    """Of 200 samples with known mean 95 % of the intervals should hold it: 180 at the least."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        low, high = mean_interval(rng.normal(size=40), names(40), draws=400)
        held += low <= 0 <= high
    assert held >= 180


def test_a_patient_in_both_groups_is_drawn_with_both():
    """Pairs that differ by a constant have a difference without any spread."""
    values = np.random.default_rng(0).normal(size=25)
    low, high = difference_interval(values + 1, names(25), values, names(25))
    assert (low, high) == (pytest.approx(1.0), pytest.approx(1.0))


def test_seeded_and_sensible_without_patients():
    values = np.arange(10.0)
    assert mean_interval(values, names(10), 7) == mean_interval(values, names(10), 7)
    assert mean_interval(values, names(10), 7) != mean_interval(values, names(10), 8)
    assert all(math.isnan(edge) for edge in mean_interval(values, ["same"] * 10))


def test_nothing_changed_is_no_difference():
    same = paired(np.ones(5), np.ones(5), names(5))
    assert (same.value, same.rank_p) == (0.0, 1.0)


def test_wilsons_interval_of_a_share():
    found = share(np.array([True] * 8 + [False] * 2), names(10))
    assert (found.count, found.n, found.value) == (8, 10, 0.8)
    assert (found.low, found.high) == (
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
    )
    # Two scans of each of five patients, all alike: no surer than five patients are.
    alike = share(np.ones(10, bool), [f"p{n // 2}" for n in range(10)])
    assert (alike.value, alike.low) == (1.0, pytest.approx(share(np.ones(5, bool), names(5)).low))
    none = share(np.zeros(0, bool), [])
    assert (none.n, math.isnan(none.value)) == (0, True)


def test_cohens_kappa_of_the_textbook():
    """Fifty proposals: both yes 20, both no 15, differing 5 and 10: kappa 0.4."""
    one = ["yes"] * 25 + ["no"] * 25
    two = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohens_kappa(one, two, ["yes", "no"]) == pytest.approx(0.4)


def test_weighted_kappa_forgives_what_is_near():
    one, near, far = [1, 2, 3, 4, 5] * 4, [2, 3, 4, 5, 4] * 4, [5, 5, 1, 1, 1] * 4
    weigh = {"categories": [1, 2, 3, 4, 5], "ordered": True}
    assert cohens_kappa(one, one, **weigh) == pytest.approx(1.0)
    assert cohens_kappa(one, near, **weigh) > 0.5 > 0 > cohens_kappa(one, far, **weigh)
    assert math.isnan(cohens_kappa([1, 1], [1, 1], [1, 2]))


def test_fleiss_kappa_of_his_example():
    """The worked example that goes with Fleiss' formula: ten subjects, fourteen raters, 0.210."""
    counts = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    assert fleiss_kappa(np.array(counts)) == pytest.approx(0.210, abs=5e-4)
    with pytest.raises(ValueError, match="different numbers"):
        fleiss_kappa(np.array([[2, 0], [1, 0]]))
