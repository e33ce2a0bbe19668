"""Where decision and change limit lie, from points whose answer is known."""

from __future__ import annotations

import pytest

from CTCounterfactualLib.counterfactual.search.found import SearchPoint
from CTCounterfactualLib.session.curve import Curve, Mark, direction_of

LIMIT, FIRST = 0.04, 5.0


def curve(*points, threshold=None, logit=False, start=0.9):
    made = Curve(SearchPoint(0.0, start, 0.0), LIMIT, threshold, logit)
    for lam, score, change in points:
        made.add(SearchPoint(lam, score, change))
    return made


def test_before_anything_was_looked_at_the_limit_is_the_first_order_one():
    assert curve().limit("decrease", FIRST) == Mark(-FIRST, False)
    assert curve().limit("increase", FIRST) == Mark(FIRST, False)
    assert curve().limit("decrease", 0.0) is None  # no gradient


def test_a_point_at_the_limit_is_it_and_points_of_the_other_side_do_not_count():
    known = curve((-2.0, 0.5, 0.0395), (3.0, 1.2, 0.039_9))
    assert known.limit("decrease", FIRST) == Mark(-2.0, True)
    assert known.limit("increase", FIRST) == Mark(3.0, True)


def test_between_two_points_the_change_is_a_power_of_lambda():
    """change = 0.01 lambda^2 meets 0.04 at 2."""
    known = curve((-1.0, 0.8, 0.01), (-4.0, 0.1, 0.16))
    found = known.limit("decrease", FIRST)
    assert found.lam == pytest.approx(-2.0)
    assert not found.measured
    near = curve((-1.99, 0.8, 0.01 * 1.99**2 * 0.97), (-2.02, 0.1, 0.01 * 2.02**2))
    assert near.limit("decrease", FIRST).measured


def test_a_change_that_has_stopped_growing_ends_the_way_where_it_was_looked_at():
    growing = curve((-1.0, 0.8, 0.01), (-2.0, 0.7, 0.02))
    assert growing.limit("decrease", FIRST).lam == pytest.approx(-4.0)
    bounded = curve((-1.0, 0.8, 0.015), (-2.0, 0.7, 0.016))
    assert bounded.limit("decrease", FIRST) == Mark(-2.0, False)


def test_the_decision_changes_between_the_points_on_either_side_of_the_threshold():
    known = curve((-1.0, 0.7, 0.01), (-2.0, 0.3, 0.02), (-3.0, 0.2, 0.03), threshold=0.5)
    found = known.flip("decrease")
    assert found.lam == pytest.approx(-1.5)
    assert not found.measured
    assert known.flip("increase") is None
    known.add(SearchPoint(-1.5, 0.495, 0.015))  # 0.9 -> 0.5 is the way: nearly there
    assert known.flip("decrease") == Mark(-1.5, True)
    assert curve((-1.0, 0.7, 0.01)).flip("decrease") is None  # no threshold


def test_probabilities_are_compared_on_their_logit():
    """logit 4 -> -4 crosses 0 in the middle, however the probabilities lie."""
    high, low = 0.982_013_79, 0.017_986_21
    found = curve((-1.0, low, 0.01), threshold=0.5, logit=True, start=high).flip("decrease")
    assert found.lam == pytest.approx(-0.5, abs=1e-6)


def test_a_scan_without_the_finding_flips_upwards():
    known = curve((1.0, 0.5, 0.01), (-1.0, 0.0, 0.01), threshold=0.5, start=0.2)
    assert known.flip("increase") == Mark(1.0, True)  # at the threshold it is present
    assert known.flip("decrease") is None


def test_lambda_tells_its_direction():
    assert (direction_of(-0.1), direction_of(0.1)) == ("decrease", "increase")
