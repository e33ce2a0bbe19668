"""Which target a name means: as written before any case, names before labels before codes."""

import math

import pytest

from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.targets import Target, find_target

TARGETS = (
    Target("a", code="b"),
    Target("b", code="c"),
    Target("Mass", code="10"),
    Target("mass"),
    Target("twin", code="1"),
    Target("twin", code="2"),
)


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        (None, 0),
        ("a", 0),
        ("b", 1),
        ("B", 1),
        ("c", 1),
        ("a [b]", 0),
        ("A [B]", 0),
        ("Mass", 2),
        ("mass", 3),
        ("10", 2),
        ("twin [2]", 5),
        ("2", 5),
        ("a [b] (score)", 0),
    ],
)
def test_a_code_hides_no_name_and_case_counts_first(asked, number):
    assert find_target("net", TARGETS, asked) is TARGETS[number]


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("MASS", "'Mass \\[10\\]', 'mass'"),
        ("twin", "'twin \\[1\\]', 'twin \\[2\\]'"),
    ],
)
def test_several_meanings_are_listed(asked, listed):
    with pytest.raises(SettingsError, match=f"Target '{asked}' of classifier net can be.*{listed}"):
        find_target("net", TARGETS, asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("", "no target ''"),
        ("heart", "no target 'heart'"),
        (507, "in quotes, not as 507"),
    ],
)
def test_no_target_is_named(asked, words):
    with pytest.raises(SettingsError, match=words):
        find_target("net", TARGETS, asked)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ({}, ""),
        ({"threshold": 0.0}, "present from 0"),
        ({"threshold": 0.5, "negatives": 0.02}, "present from 0.5, without it 0.02"),
    ],
)
def test_a_decision_in_words(decision, words):
    assert Target("a", **decision).decision == words


@pytest.mark.parametrize(
    ("unit", "decision", "words"),
    [
        ("", {"threshold": math.nan}, "threshold = nan, expected a finite number"),
        ("", {"threshold": "high"}, "threshold = 'high', expected a finite number"),
        ("", {"threshold": True}, "threshold = True, expected a finite number"),
        ("", {"threshold": 1.0, "negatives": -math.inf}, "negatives = -inf, expected a finite"),
        ("", {"negatives": 1.0}, "negatives = 1 without a threshold"),
        (
            "",
            {"threshold": 1.0, "negatives": 1.0},
            "negatives = 1, expected a number below the thr",
        ),
        (
            "probability",
            {"threshold": 50},
            "threshold = 50, expected a probability between 0 and 1",
        ),
        (
            "probability",
            {"threshold": 0.5, "negatives": 0.0},
            "negatives = 0, expected a probability",
        ),
    ],
)
def test_a_decision_that_cannot_be_is_refused(unit, decision, words):
    with pytest.raises(ModelError, match=f"Target 'a': {words}"):
        Target("a", unit, **decision)


def test_a_probability_has_no_threshold_unless_one_is_given():
    assert Target("a", "probability").threshold is None
