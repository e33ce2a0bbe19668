"""The paper's search against the authors' own code, case by case, through this engine's parts."""

from __future__ import annotations

import json

import pytest

from CTCounterfactualLib.counterfactual.gradient import latent_gradient, volume_gradient
from CTCounterfactualLib.counterfactual.result import SearchPoint
from CTCounterfactualLib.counterfactual.search import stopping
from CTCounterfactualLib.counterfactual.search.reference import next_lambda, reference_search
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.counterfactual.workspace import Workspace
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.scans.grid import GridSpec
from oracle_problems import FIXTURES, SHIFT_CASES, SLICES, shift_problem

ORACLE = json.loads((FIXTURES / "latent_shift.json").read_text(encoding="utf-8"))
LADDER = [
    0, -10, -21, -34, -48, -63, -80, -98, -118, -140, -164, -191, -221, -254, -290, -329
]
REASONS = {
    "rose": stopping.NO_FURTHER_DECREASE,
    "very_low": stopping.TARGET_REACHED,
    "fell_enough": stopping.TARGET_REACHED,
    "lambda_bound": stopping.EVALUATION_LIMIT,
    "change": stopping.CHANGE_LIMIT,
    "low_at_once": stopping.TARGET_REACHED,
}


class Adapted(Classifier):
    """A classifier of the oracle's problems as the engine wants it."""

    name = "small"
    description = "for tests"
    grid = GridSpec()
    targets = (Target("score"),)

    def __init__(self, function):
        self.function = function

    def score(self, x, target=None):
        return self.function(x)


def search(name: str):
    """Run this engine from the slices of one case: encode, gradient, workspace, ladder."""
    autoencoder, function, slices, max_change = shift_problem(name)
    classifier = Adapted(function)
    settings = ExplainSettings(
        search="reference", baseline="reconstruction", max_change=max_change
    )
    latents = autoencoder.encode(slices)
    decoded = autoencoder.decode(latents)
    score, image_gradient = volume_gradient(classifier, "score", decoded)
    gradient = latent_gradient(autoencoder, latents, image_gradient)
    workspace = Workspace(
        autoencoder, classifier, "score", settings, slices, decoded, latents, gradient, score,
        Reporter(),
    )
    assert settings.scope == "volume"
    return reference_search(workspace.evaluator(0, SLICES), "decrease", max_change)


@pytest.mark.parametrize("name", SHIFT_CASES)
def test_visits_keeps_and_stops_as_the_authors_code(name):
    found, expected = search(name), ORACLE[name]
    assert [p.lam for p in found.path] == expected["lambdas"]
    assert [p.score for p in found.path] == pytest.approx(expected["scores"], rel=1e-12, abs=1e-12)
    assert [p.change for p in found.path] == pytest.approx(expected["changes"], rel=1e-9, abs=1e-12)
    assert found.point.lam == expected["kept"]
    assert found.point == found.path[-1]
    assert found.stop_reason == REASONS[name]


def test_oracle_met_the_rule_that_each_case_is_named_after():
    """Guards the fixtures: the last point of each case breaks its rule and no earlier one."""
    for name, case in ORACLE.items():
        scores, changes, max_change = case["scores"], case["changes"], SHIFT_CASES[name][3]
        broken = {
            "rose": len(scores) > 1 and scores[-1] > scores[-2],
            "very_low": scores[-1] < 0.05,
            "fell_enough": scores[0] - scores[-1] > 0.8,
            "lambda_bound": case["kept"] <= -3000,
            "change": changes[-1] > max_change,
        }
        rule = "very_low" if name == "low_at_once" else name
        assert [r for r, met in broken.items() if met] == [rule], name
    assert ORACLE["low_at_once"]["kept"] == 0.0


def test_ladder_of_the_paper():
    rungs = [0.0]
    while len(rungs) < len(LADDER):
        rungs.append(next_lambda(rungs[-1]))
    assert rungs == LADDER


def test_oracle_walks_the_same_ladder():
    longest = ORACLE["lambda_bound"]["lambdas"]
    assert longest[: len(LADDER)] == LADDER
    assert longest[-2] > -3000 >= longest[-1]


@pytest.mark.parametrize("name", SHIFT_CASES)
def test_increase_is_the_mirror_image(name):
    """Turning probability p into 1 - p and lambda into -lambda must give the same walk."""
    case = ORACLE[name]
    scores, changes = (
        dict(zip(case["lambdas"], case[name], strict=True)) for name in ("scores", "changes")
    )

    def mirrored(lam: float) -> SearchPoint:
        return SearchPoint(lam, 1 - scores[-lam], changes[-lam])

    found = reference_search(mirrored, "increase", SHIFT_CASES[name][3])
    assert [-p.lam for p in found.path] == case["lambdas"]
    assert found.point.lam == -case["kept"]
    expected = REASONS[name].replace("decrease", "increase")
    assert found.stop_reason == expected


def test_rules_are_looked_at_in_the_papers_order():
    """A rung that rose, is very low and changed too much: the first rule names the reason."""
    points = iter([SearchPoint(0, 0.06, 0), SearchPoint(-10, 0.01, 1), SearchPoint(-21, 0.02, 1)])
    found = reference_search(lambda lam: next(points), "decrease", 0.05)
    assert (found.stop_reason, found.point.lam) == (stopping.TARGET_REACHED, -10)
    points = iter([SearchPoint(0, 0.06, 0), SearchPoint(-10, 0.07, 1)])
    found = reference_search(lambda lam: next(points), "decrease", 0.05)
    assert (found.stop_reason, found.point.lam) == (stopping.NO_FURTHER_DECREASE, -10)


def test_an_unchanged_score_walks_on():
    """Only a strict rise stops it, so a plateau goes to the bound."""
    found = reference_search(lambda lam: SearchPoint(lam, 0.5, 0.0), "decrease", 0.05)
    assert found.stop_reason == stopping.EVALUATION_LIMIT
    assert found.point.lam == ORACLE["lambda_bound"]["kept"]
