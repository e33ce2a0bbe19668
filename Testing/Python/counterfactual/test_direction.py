"""Which way a score shall go: sign, gain and word."""

import pytest

from CTCounterfactualLib.counterfactual import direction
from CTCounterfactualLib.counterfactual.result import Outcome
from CTCounterfactualLib.counterfactual.settings import DIRECTIONS


@pytest.mark.parametrize(
    ("way", "sign", "before", "after", "gain", "noun"),
    [
        ("decrease", -1.0, 0.75, 0.25, 0.5, "reduction"),
        ("decrease", -1.0, 0.25, 0.75, -0.5, "reduction"),
        ("increase", 1.0, 0.25, 0.75, 0.5, "increase"),
        ("increase", 1.0, -2.0, -3.5, -1.5, "increase"),
    ],
)
def test_a_gain_is_positive_where_the_score_went_as_asked(way, sign, before, after, gain, noun):
    assert direction.sign(way) == sign
    assert direction.gain(way, before, after) == gain
    assert direction.noun(way) == noun
    outcome = Outcome(0, 1, (0.0, 3.0), sign, before, after, "", 0.0, (), way)
    assert outcome.gain == gain
    assert outcome.reduction == before - after


def test_the_settings_know_the_same_directions():
    assert DIRECTIONS == direction.DIRECTIONS == ("decrease", "increase")


@pytest.mark.parametrize("way", DIRECTIONS)
def test_no_gain_is_no_minus(way):
    assert str(direction.gain(way, 1.5, 1.5)) == "0.0"
