"""Goals from end to end, on a classifier whose logit is known: it looks at one place only."""

import numpy as np
import pytest
import torch
from users import Halves, small_scan
from users import run as explained

from CTCounterfactualLib.counterfactual.search.logit import logit, probability_of
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.models.classifier import Target
from CTCounterfactualLib.scans.grid import GridSpec, prepare

GRID = GridSpec(spacing=(2.0, 2.0, 4.0))
STEEP = 60.0


class Chance:
    """How probable it is that the middle is bright: the sigmoid of its mean above a level."""

    name, grid = "chance", GRID

    def __init__(self, level: float, unit="probability", double=False, **decision):
        self.targets = (Target("brightness", unit, **decision),)
        self.level, self.double = level, double

    def score(self, x, target=None):
        odds = STEEP * (x[:, 0, 2:4, 4:12, 4:16].mean((1, 2, 3)) - self.level)
        if self.targets[0].unit == "logit":
            return odds
        return torch.sigmoid(odds.double() if self.double else odds)


def run(scan, judge, *models, **options):
    """Explain; noise has no body to stay in."""
    return explained(scan, judge, *models, within="volume", **options)


def level_for(odds: float) -> float:
    """Return the level at which the small scan has these (log) odds."""
    x = torch.from_numpy(prepare(small_scan(), GRID).volume)[None, None]
    return (float(Chance(0.0, "logit").score(x)[0]) - odds) / STEEP


def test_the_default_changes_the_decision_and_no_more():
    judge = Chance(level_for(3.0), threshold=0.5, negatives=0.2)
    result = run(small_scan(), judge, max_change=0.3, composite="residual")
    assert (result.whole.stop_reason, result.aim.goal) == ("decision changed", "flip")
    assert result.scores.original == pytest.approx(probability_of(3.0), rel=1e-3)
    beyond = logit(result.whole.score_after) - logit(0.2)
    assert -0.02 * (3.0 - logit(0.2)) - 0.05 <= beyond <= 0.0
    assert result.scores.counterfactual < 0.25
    limit = run(small_scan(), judge, max_change=0.3, composite="residual", goal="limit")
    assert limit.whole.change > 1.5 * result.whole.change
    assert not {"flip-not-reached", "already-negative"} & {flag.name for flag in result.flags}
    assert 0 < result.plausibility.changed < limit.plausibility.changed


def test_raising_mirrors_it():
    judge = Chance(level_for(-3.0), "logit", threshold=0.0)
    result = run(small_scan(), judge, max_change=0.3, composite="residual", direction="increase")
    assert result.aim.score == pytest.approx(3.0, abs=0.01)
    assert result.whole.stop_reason == "decision changed"
    assert result.whole.score_after == pytest.approx(3.0, abs=0.2)


def test_a_limit_too_small_for_the_decision_is_said():
    judge = Chance(level_for(3.0), threshold=0.5)
    result = run(small_scan(), judge, max_change=0.001)
    (message,) = [flag.message for flag in result.flags if flag.name == "flip-not-reached"]
    assert "did not change" in message and result.whole.stop_reason in message


def test_a_scan_without_the_finding_stays_as_it_is():
    result = run(small_scan(), Chance(level_for(-3.0), threshold=0.5), mode="both", chunk=3)
    assert result.whole.stop_reason == "nothing to flip"
    assert [outcome.evaluations for outcome in result.chunks] == [1, 1]
    assert not result.difference.any()
    names = {flag.name for flag in result.flags}
    assert "already-negative" in names and "score-did-not-move" not in names
    assert run(small_scan(), Chance(level_for(-3.0), threshold=0.5), goal="limit").gain > 0


def test_a_flip_without_a_threshold_is_refused_before_any_work():
    with pytest.raises(SettingsError, match="no decision threshold on its card"):
        run(small_scan(), Chance(0.5), Halves(encode=lambda z: 1 / 0), goal="flip")


def test_a_saturated_probability_is_searched_as_far_as_its_precision_goes():
    """At a logit of 12 the gradient of p is 6e-6 of what it was, the logit's is whole."""
    steep = run(small_scan(), Chance(level_for(12.0)), max_change=0.02)
    odds = run(small_scan(), Chance(level_for(12.0), "logit"), max_change=0.02)
    assert steep.whole.lam == pytest.approx(odds.whole.lam, rel=1e-2)
    assert np.abs(steep.difference.astype(int) - odds.difference).max() <= 5
    assert "saturated" not in {flag.name for flag in steep.flags}


def test_a_probability_that_is_1_says_that_its_logit_is_lost():
    lost = run(small_scan(), Chance(level_for(40.0)))
    assert "saturated" in {flag.name for flag in lost.flags}
    assert lost.whole.stop_reason == "no gradient"
    kept = run(small_scan(), Chance(level_for(30.0), double=True), max_change=0.02)
    assert "saturated" not in {flag.name for flag in kept.flags}
    assert kept.whole.stop_reason == "change limit"


def test_the_papers_search_stays_on_the_probability():
    judge = Chance(level_for(3.0), threshold=0.5)
    paper = run(small_scan(), judge, search="reference", baseline="reconstruction")
    blind = run(small_scan(), Chance(level_for(3.0)), search="reference", baseline="reconstruction")
    assert paper.whole == blind.whole
    assert paper.aim.goal == "limit"
