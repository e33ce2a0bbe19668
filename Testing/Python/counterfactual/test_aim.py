"""What a run aims at: worked out by hand for each unit, direction and kind of card."""

import math

import pytest

from CTCounterfactualLib.counterfactual.aim import Aim, aim_of, check_goal
from CTCounterfactualLib.counterfactual.search.logit import logit, probability_of
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.models.targets import Target

LITRES, PLAIN = Target("a", "L", threshold=2.0), Target("a", "L")
ODDS = Target("a", "logit", threshold=0.5)
KNOWN = Target("a", "logit", threshold=0.5, negatives=-3.0)
CHANCE = Target("a", "probability", threshold=0.5)
KNOWN_CHANCE = Target("a", "probability", threshold=0.5, negatives=0.1)


@pytest.mark.parametrize(
    ("target", "direction", "start", "score"),
    [
        (LITRES, "decrease", 5.0, -1.0),  # mirrored: 2 - (5 - 2)
        (LITRES, "decrease", 2.01, 1.9),  # at least a twentieth of the threshold beyond it
        (LITRES, "increase", 1.5, 2.5),
        (LITRES, "increase", 5.0, 2.1),  # present already: what is asked of it all the same
        (ODDS, "decrease", 4.0, -3.0),
        (ODDS, "decrease", 0.7, -0.5),
        (ODDS, "increase", 0.0, 1.5),
        (KNOWN, "decrease", 9.0, -3.0),
        (KNOWN, "decrease", 0.6, -3.0),
        (KNOWN, "increase", -9.0, 4.0),  # as far beyond as the negatives are below
        (CHANCE, "decrease", 0.9, 0.1),
        (CHANCE, "increase", 0.2, 0.8),
        (CHANCE, "decrease", 0.51, probability_of(-1.0)),
        (KNOWN_CHANCE, "decrease", 0.9999, 0.1),
        (KNOWN_CHANCE, "increase", 0.3, 0.9),
    ],
)
def test_a_flip_ends_with_confidence_on_the_other_side(target, direction, start, score):
    for goal in (None, "flip"):
        aim = aim_of(ExplainSettings(goal=goal, direction=direction), target, start)
        assert aim == Aim("flip", pytest.approx(score), target.threshold, direction)


def test_a_probability_is_mirrored_on_its_logit():
    skewed = Target("a", "probability", threshold=0.2)
    aim = aim_of(ExplainSettings(), skewed, 0.9)
    assert logit(aim.score) == pytest.approx(2 * logit(0.2) - logit(0.9))


@pytest.mark.parametrize(
    ("settings", "target", "aim"),
    [
        ({}, PLAIN, Aim("limit")),
        ({"goal": "limit"}, KNOWN, Aim("limit")),
        ({"goal": 1.25}, KNOWN, Aim("score", 1.25)),
        ({"target_score": 1.25}, PLAIN, Aim("score", 1.25)),
        ({"search": "reference"}, KNOWN, Aim("limit")),
        ({"search": "reference", "target_score": 1.25}, PLAIN, Aim("limit")),
    ],
)
def test_other_goals(settings, target, aim):
    assert aim_of(ExplainSettings(**settings), target, 3.0) == aim


@pytest.mark.parametrize(
    ("direction", "score", "changed"),
    [
        ("decrease", 0.49, True),
        ("decrease", 0.5, False),
        ("increase", 0.5, True),
        ("increase", 0.49, False),
    ],
)
def test_at_the_threshold_the_finding_is_present(direction, score, changed):
    assert Aim("flip", 0.0, 0.5, direction).changed(score) is changed


def test_nothing_is_a_changed_decision_without_a_threshold():
    assert not Aim("limit").changed(-math.inf) and not Aim("limit").reached(-math.inf)


def test_a_flip_needs_a_threshold():
    with pytest.raises(SettingsError, match=r"Target 'a' of classifier net has no decision thresh"):
        check_goal(ExplainSettings(goal="flip"), "net", PLAIN)
    check_goal(ExplainSettings(), "net", PLAIN)
    check_goal(ExplainSettings(goal="flip"), "net", LITRES)
    check_goal(ExplainSettings(goal="flip", search="reference"), "net", PLAIN)  # it has its own
