"""Verdicts by hand: shares of a finding, flips, noise, and what can't be compared."""

import pytest

from CTCounterfactualLib.stress.trial import DISTRACTOR, FINDING, NOTHING, Trial
from CTCounterfactualLib.stress.verdict import (
    FAIL,
    PASS,
    UNKNOWN,
    WARN,
    Verdict,
    judge,
    overall,
    reference_of,
)


def trial(delta, group=DISTRACTOR, kind="electrode", score=0.0, **more):
    return Trial(group, kind, 1, 0, "on the skin", 1.0, score, delta, **more)


BESIDE = [
    trial(2.0, FINDING, "effusion"), trial(4.0, FINDING, "effusion"),
    trial(8.0, FINDING, "effusion"), trial(-0.1, NOTHING, NOTHING), trial(0.05, NOTHING, NOTHING),
]  # fmt: skip


def verdict(*trials, beside=BESIDE, original=-3.0, threshold=0.0):
    reference = reference_of(beside, "effusion", 100.0, "logit")
    return judge("electrode", trials, reference, original, threshold, "logit")


def test_the_reference_is_the_median_finding_and_the_greatest_nothing():
    reference = reference_of(BESIDE, "effusion", 100.0, "logit")
    assert (reference.delta, reference.floor) == (4.0, 0.1)
    assert reference.finding == "100 mL effusion"


@pytest.mark.parametrize(
    ("delta", "level", "share"),
    [(0.4, PASS, 0.1), (-0.8, WARN, -0.2), (2.0, FAIL, 0.5), (-3.2, FAIL, -0.8)],
)
def test_levels_follow_the_share_of_the_worst_place(delta, level, share):
    found = verdict(trial(0.2, score=-2.8), trial(delta, score=-3 + delta))
    assert found.level == level
    assert found.share == pytest.approx(share)
    assert found.worst == delta
    assert f"as to {abs(share):.2g} of a 100 mL effusion" in found.text
    assert ("the other way" in found.text) == (delta < 0)


def test_a_twentieth_of_the_odds_is_nothing_of_a_logit_but_litres_have_no_such_limit():
    quiet = [trial(0.02, FINDING, "effusion"), trial(0.0001, NOTHING, NOTHING)]
    assert reference_of(quiet, "effusion", 100.0, "logit").floor == 0.05
    assert not reference_of(quiet, "effusion", 100.0, "logit").seen
    assert reference_of(quiet, "effusion", 100.0, "L").floor == 0.0001
    assert reference_of(quiet, "effusion", 100.0, "L").seen


def test_a_logit_that_falls_has_not_seen_the_finding_but_a_volume_that_falls_has():
    """Seen on a scan that a classifier calls positive before anything is planted."""
    lower = [trial(-0.21, FINDING, "effusion"), trial(0.0001, NOTHING, NOTHING)]
    assert not reference_of(lower, "effusion", 100.0, "logit").seen
    assert reference_of(lower, "effusion", 100.0, "L").seen


def test_a_decision_that_changes_fails_however_small_the_reaction():
    found = verdict(trial(0.3, score=0.1), original=-0.2)
    assert found.level == FAIL
    assert found.flips == 1
    assert "the decision changes in 1 of 1" in found.text


def test_no_more_than_noise_is_nothing():
    found = verdict(trial(0.1, score=-2.9))
    assert found.level == PASS
    assert "ignores ECG electrode" in found.text


def test_nothing_can_be_compared_with_a_finding_that_is_not_seen():
    blind = [trial(0.2, FINDING, "effusion"), trial(0.1, NOTHING, NOTHING)]
    found = verdict(trial(0.4, score=-2.6), beside=blind)
    assert found.level == UNKNOWN
    assert found.share is None
    assert "hardly reacts to a 100 mL effusion" in found.text
    assert verdict(trial(4.0, score=1.0), beside=blind).level == FAIL  # it flips all the same


@pytest.mark.parametrize(("delta", "level"), [(0.4, UNKNOWN), (-0.6, WARN), (1.1, FAIL)])
def test_a_logit_is_then_judged_by_itself_and_litres_are_not(delta, level):
    blind = [trial(0.1, FINDING, "effusion"), trial(0.1, NOTHING, NOTHING)]
    assert verdict(trial(delta, score=-3 + delta), beside=blind).level == level
    reference = reference_of(blind, "effusion", 100.0, "L")
    litres = judge("electrode", [trial(delta)], reference, 5.0, None, "L")
    assert litres.level == UNKNOWN


def test_no_room_and_refusals_are_told_apart():
    no_room = Trial(DISTRACTOR, "electrode", 1, 0, problem="No room")
    refused = Trial(DISTRACTOR, "electrode", 1, 0, problem="no lung", refused=True)
    assert verdict(no_room).level == UNKNOWN
    assert "No room" in verdict(no_room).text
    assert verdict(refused, trial(0.0)).level == WARN
    assert "refuses a scan" in verdict(refused).text


def test_the_worst_counts_in_all():
    levels = [PASS, WARN, UNKNOWN]
    assert overall([Verdict("a", level, "") for level in levels]) == WARN
    assert overall([Verdict("a", level, "") for level in [*levels, FAIL]]) == FAIL
    assert overall([Verdict("a", PASS, ""), Verdict("a", UNKNOWN, "")]) == PASS
    assert overall([Verdict("a", UNKNOWN, "")]) == UNKNOWN
