"""Flags on the decision: raised on one side of each limit and not on the other."""

import pytest

from CTCounterfactualLib.counterfactual.aim import aim_of
from CTCounterfactualLib.counterfactual.decision_flags import decision_flags
from CTCounterfactualLib.counterfactual.result import Outcome, Scores, TargetInfo
from CTCounterfactualLib.counterfactual.search import stopping
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.models.targets import Target

KNOWN = Target("fluid", "logit", threshold=0.0, negatives=-4.0)
UNKNOWN = Target("fluid", "logit", threshold=0.0)
CHANCE = Target("fluid", "probability", threshold=0.5)


def raised(target, original, counterfactual, searched=None, whole=True, **settings):
    """Return the flags, by name, of a run from one score to another (as the search found it)."""
    settings = ExplainSettings(**settings)
    searched = counterfactual if searched is None else searched
    outcome = Outcome(
        0,
        9,
        (0.0, 27.0),
        -1.0,
        original,
        searched,
        stopping.CHANGE_LIMIT,
        0.05,
        (),
        settings.direction,
    )
    info = TargetInfo(target.name, target.unit, target.threshold, target.negatives)
    flags = decision_flags(
        Scores(original, original, counterfactual),
        outcome if whole else None,
        aim_of(settings, target, original),
        info,
        settings,
    )
    return {flag.name: flag.message for flag in flags}


def test_a_changed_decision_needs_no_flag():
    assert raised(KNOWN, 5.0, -4.0) == {}
    assert raised(KNOWN, 5.0, -3.97, searched=-4.02) == {}  # writing costs a little
    assert raised(KNOWN, 5.0, -4.1, searched=-3.5) == {}  # or gains a little
    assert raised(UNKNOWN, -5.0, 5.0, direction="increase") == {}


def test_a_decision_that_did_not_change_is_said_with_its_numbers():
    message = raised(KNOWN, 5.0, 0.5)["flip-not-reached"]
    assert "within the change limit of 0.05 the score came from 5 to 0.5" in message
    assert "the threshold is 0 (change limit)" in message
    # What counts is the volume as it is written.
    assert "did not change" in raised(KNOWN, 5.0, 0.1, searched=-4.0)["flip-not-reached"]


def test_a_decision_that_changed_by_little_is_told_from_both():
    message = raised(KNOWN, 5.0, -1.0)["flip-not-reached"]
    assert "changed, but not surely" in message and "not as far as -4" in message


def test_a_chunk_alone_need_not_change_a_decision():
    assert raised(KNOWN, 5.0, 2.0, whole=False) == {}
    assert raised(KNOWN, 5.0, 2.0, goal="limit") == {}


@pytest.mark.parametrize(
    ("direction", "start", "name", "side", "other"),
    [
        ("decrease", -6.0, "already-negative", "below the threshold 0", "direction='increase'"),
        (
            "increase",
            6.0,
            "already-positive",
            "at or above the threshold 0",
            "direction='decrease'",
        ),
    ],
)
def test_a_decision_that_is_the_wanted_one_is_said(direction, start, name, side, other):
    (found,) = raised(UNKNOWN, start, start, direction=direction).items()
    assert found[0] == name
    assert side in found[1] and other in found[1] and "goal='limit'" in found[1]


def test_between_threshold_and_negatives_the_search_goes_on():
    message = raised(KNOWN, -1.0, -4.0)["already-negative"]
    assert "went on to -4" in message and "goal=" not in message


@pytest.mark.parametrize(
    ("scan", "counterfactual", "who"),
    [
        (1.0, 0.2, "the scan 1 is"),
        (0.9, 0.0, "the counterfactual 0 is"),
        (0.9, 0.1, None),
        (1.0, 0.0, "the scan 1 and of the counterfactual 0 is"),
        (0.999, 0.001, None),
    ],
)
def test_a_probability_that_has_lost_its_logit_is_said(scan, counterfactual, who):
    message = raised(CHANCE, scan, counterfactual, goal="limit").get("saturated")
    assert (message is None) if who is None else f"probability of {who}" in message
    assert "saturated" not in raised(UNKNOWN, 40.0, 1.0)
