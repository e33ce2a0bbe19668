"""Every flag, raised just beyond its threshold and not raised just before it.

The thresholds are written out here: a test that reads them from the program passes any of them.
"""

from __future__ import annotations

import pytest

from CTCounterfactualLib.counterfactual.flags import raise_flags
from CTCounterfactualLib.counterfactual.reconstruction import Reconstruction, flags_of
from CTCounterfactualLib.counterfactual.result import Outcome, Scores
from CTCounterfactualLib.counterfactual.search import stopping
from CTCounterfactualLib.counterfactual.settings import ExplainSettings


def outcome(lam=-10.0, reason=stopping.CHANGE_LIMIT):
    return Outcome(0, 10, (0.0, 30.0), lam, 2.0, 1.0, reason, 0.05, ())


USUAL = outcome()


def raised(
    scores=(2.0, 2.0, 1.0), outcomes=(USUAL,), searched=None, ratio=1.0, notes=(), **settings
):
    """Return the flags, by name, of an explanation that gives no reason for any by default."""
    found = Scores(*scores)
    searched = found.counterfactual if searched is None else searched
    flags = raise_flags(found, outcomes, searched, ratio, notes, ExplainSettings(**settings))
    return {flag.name: flag.message for flag in flags}


def test_nothing_is_said_where_nothing_is_wrong():
    assert raised() == {}


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("moved", [1, -1])
def test_reconstruction_gap_once_it_is_more_than_the_counterfactuals_effect(way, moved):
    """The counterfactual moves the score by 0.5, either way; so does the autoencoder, or more."""
    end = 2.0 + 0.5 * moved
    assert "reconstruction-gap" not in raised((2.0, 2.0 + 0.5 * way, end))
    message = raised((2.0, 2.0 + 0.5625 * way, end))["reconstruction-gap"]
    assert "by 0.5625, more than the counterfactual does (0.5)" in message


def test_no_reconstruction_gap_of_an_exact_autoencoder_that_found_nothing():
    assert "reconstruction-gap" not in raised((2.0, 2.0, 2.0))


@pytest.mark.parametrize(
    ("baseline", "shown"),
    [("scan", "the scan is unchanged."), ("reconstruction", "reconstruction of the scan.")],
)
def test_score_did_not_move_if_no_search_went_anywhere(baseline, shown):
    still, moved = outcome(0.0), outcome(-1e-3)
    assert "score-did-not-move" not in raised(outcomes=(still, moved), baseline=baseline)
    message = raised(outcomes=(still, still), baseline=baseline)["score-did-not-move"]
    assert message.endswith(shown)


def test_no_gradient_counts_the_searches_that_had_none():
    without = outcome(0.0, stopping.NO_GRADIENT)
    outside = outcome(0.0, stopping.OUTSIDE_REGION)
    found = raised(outcomes=(outcome(), without, without, outside))
    assert found["no-gradient"].startswith("2 of 3 searches")
    assert "no-gradient" not in raised(outcomes=(outcome(), outside))


def test_evaluation_limit_counts_the_searches_that_met_it():
    ended = outcome(reason=stopping.EVALUATION_LIMIT)
    outside = outcome(0.0, stopping.OUTSIDE_REGION)
    found = raised(outcomes=(outcome(), ended, outside))
    assert found["evaluation-limit"].startswith("1 of 2 searches")
    for reason in stopping.STOP_REASONS:
        if reason != stopping.EVALUATION_LIMIT:
            assert "evaluation-limit" not in raised(outcomes=(outcome(reason=reason),))


@pytest.mark.parametrize("sign", [1, -1])
def test_written_score_differs_from_15_percent_of_the_effect_on(sign):
    """The search found 2 -> 1; the written volume may be off by 0.15, either way."""
    assert "written-score-differs" not in raised((2.0, 2.0, 1.0 + 0.1499 * sign), searched=1.0)
    message = raised((2.0, 2.0, 1.0 + 0.1501 * sign), searched=1.0)["written-score-differs"]
    assert "The search found 1, but" in message


@pytest.mark.parametrize("score", [2.0, -2.0, 3e-4, 5e6])
def test_rounding_is_no_written_score_that_differs(score):
    """Where nothing moved, 15 % of nothing are nothing; a score may still round in another way."""
    still = (outcome(0.0),)
    off = score * (1 + 0.9e-5)
    assert "written-score-differs" not in raised((score, score, off), still, searched=score)
    off = score * (1 + 1.1e-5)
    assert "written-score-differs" in raised((score, score, off), still, searched=score)


def test_hard_to_draw_from_15_percent_more_error_on():
    assert "hard-to-draw" not in raised(ratio=1.1499)
    assert "1.15 times worse" in raised(ratio=1.1501)["hard-to-draw"]
    assert "hard-to-draw" not in raised(ratio=0.2)


def test_notes_of_scan_and_classifier_come_first_and_as_they_are():
    found = raised(notes=(("cut", "The lung is cut."), ("uneven", "Gaps differ.")), ratio=2.0)
    assert list(found) == ["cut", "uneven", "hard-to-draw"]
    assert found["cut"] == "The lung is cut."


@pytest.mark.parametrize(
    ("slope", "psnr", "names"),
    [
        (1.0, 30.0, []),
        (0.801, 20.01, []),
        (1.249, 20.01, []),
        (0.799, 30.0, ["autoencoder-contrast"]),
        (1.251, 30.0, ["autoencoder-contrast"]),
        (1.0, 19.99, ["autoencoder-fidelity"]),
        (0.5, 10.0, ["autoencoder-contrast", "autoencoder-fidelity"]),
    ],
)
def test_flags_of_the_autoencoder_at_their_thresholds(slope, psnr, names):
    assert [flag.name for flag in flags_of(Reconstruction(psnr, slope))] == names
