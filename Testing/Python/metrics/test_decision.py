"""Whether a decision flipped and how far the score went: answers known by hand."""

import pytest

from CTCounterfactualLib.metrics.decision import decision, decision_anew


@pytest.mark.parametrize(
    ("after", "flipped", "gap"),
    [
        (-3.0, 1, 1.0),
        (5.0, 0, 0.0),
        (0.0, 0, 0.625),
        (-0.1, 1, 0.6375),
        (-7.0, 1, 1.5),
        (6.0, 0, -0.125),
    ],
)
def test_of_a_logit(after, flipped, gap):
    found = decision(5.0, after, clean=-3.0, threshold=0.0)
    assert found["flipped"] == flipped and found["detected"] == 1.0
    assert found["gap_closed"] == pytest.approx(gap)


def test_a_score_that_is_to_rise_closes_its_gap_too():
    found = decision(-2.0, 1.0, clean=2.0, threshold=0.0)
    assert found == {"detected": 1.0, "flipped": 1.0, "gap_closed": 0.75}


def test_a_finding_that_the_classifier_did_not_see_is_not_detected():
    assert decision(-1.0, -3.0, clean=-2.0, threshold=0.0)["detected"] == 0.0


def test_what_is_not_known_is_absent():
    assert decision(5.0, 1.0) == {}
    assert decision(5.0, 1.0, threshold=2.0) == {"flipped": 1.0}
    assert decision(5.0, 1.0, clean=5.0 + 1e-9) == {}


def test_a_fresh_look_has_names_of_its_own():
    found = decision_anew(5.0, 1.0, clean=-3.0, threshold=0.0)
    assert found == {"flipped_anew": 0.0, "detected_anew": 1.0, "gap_closed_anew": 0.5}
