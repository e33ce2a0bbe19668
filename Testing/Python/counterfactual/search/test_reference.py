"""The paper's search against the authors' own code, case by case, through this engine's parts."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from CTCounterfactualLib.counterfactual.chunks import search_range
from CTCounterfactualLib.counterfactual.encoded import Encoded, Models
from CTCounterfactualLib.counterfactual.gradient import (
    as_batch,
    decode_slices,
    latent_gradient,
    volume_gradient,
)
from CTCounterfactualLib.counterfactual.result import SearchPoint
from CTCounterfactualLib.counterfactual.search import stopping
from CTCounterfactualLib.counterfactual.search.reference import next_lambda, reference_search
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.counterfactual.workspace import Workspace
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.scans.grid import GridSpec
from oracle_problems import BEYOND, FIXTURES, HEATMAP_STRIDE, SHIFT_CASES, SLICES, shift_problem

ORACLE = json.loads((FIXTURES / "latent_shift.json").read_text(encoding="utf-8"))
LADDER = [0, -10, -21, -34, -48, -63, -80, -98, -118, -140, -164, -191, -221, -254, -290, -329]
REASONS = {
    "rose": stopping.NO_FURTHER_DECREASE,
    "very_low": stopping.TARGET_REACHED,
    "fell_enough": stopping.TARGET_REACHED,
    "lambda_bound": stopping.EVALUATION_LIMIT,
    "change": stopping.CHANGE_LIMIT,
    "low_at_once": stopping.TARGET_REACHED,
    "beyond_rose": stopping.NO_FURTHER_DECREASE,
    "beyond_change": stopping.CHANGE_LIMIT,
}
PROBABILITY = "probability"


class Adapted(Classifier):
    """A classifier of the oracle's problems as the engine wants it."""

    name = "small"
    description = "for tests"
    grid = GridSpec()
    targets = (Target("score", PROBABILITY),)

    def __init__(self, function, unit=PROBABILITY):
        self.function = function
        self.targets = (Target("score", unit),)

    def score(self, x, target=None):
        return self.function(x)


def workspace_of(name: str, **options) -> Workspace:
    """Take this engine's own way from the slices of one case: encode, decode, gradient."""
    autoencoder, function, slices, max_change = shift_problem(name)
    classifier = Adapted(function)
    settings = ExplainSettings(
        search="reference", max_change=max_change, **{"baseline": "reconstruction", **options}
    )
    clipped = settings.clipped
    latents = autoencoder.encode(slices)
    decoded = decode_slices(autoencoder, latents, slices.shape[-2:], clipped=clipped)
    start = slices if settings.baseline == "scan" else decoded
    score, image_gradient = volume_gradient(classifier, "score", start)
    gradient = latent_gradient(autoencoder, latents, image_gradient, clipped=clipped)
    models = Models(autoencoder, classifier, "score", slices.device)
    scores = models.score(slices), models.score(decoded)
    assert score == scores[settings.baseline == "reconstruction"]
    encoded = Encoded(slices, decoded, latents, gradient, *scores)
    return Workspace(models, encoded, settings, Reporter())


def search(name: str):
    workspace = workspace_of(name)
    assert workspace.settings.scope == "volume"
    max_change = workspace.settings.max_change
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


@pytest.mark.parametrize("name", SHIFT_CASES)
def test_draws_the_authors_heatmap(name):
    """Their default: the mean difference of neighbours in a sweep of lambda; pictures as drawn."""
    workspace, expected = workspace_of(name), ORACLE[name]
    sweep = [
        workspace.start_volume if lam == 0 else workspace.changed(lam, 0, SLICES)
        for lam in expected["sweep_lambdas"]
    ]
    heatmap = torch.stack([(a - b).abs() for a, b in pairwise(sweep)]).mean(0)
    found = heatmap[:, 0, ::HEATMAP_STRIDE, ::HEATMAP_STRIDE].ravel().tolist()
    assert found == pytest.approx(expected["heatmap"], rel=0, abs=1e-12)
    drawn = float(workspace.encoded.decoded.min()), float(workspace.encoded.decoded.max())
    assert drawn == pytest.approx(expected["least_and_most"], rel=0, abs=1e-12)
    assert (drawn[0] < 0 and drawn[1] > 1) == (name in BEYOND)


def finite_difference(workspace, step: float) -> float:
    """Return d score / d lambda at 0, by central differences of what the searches score."""
    evaluate = workspace.evaluator(0, SLICES)
    return (evaluate(step).score - evaluate(-step).score) / (2 * step)


@pytest.mark.parametrize("name", BEYOND)
@pytest.mark.parametrize("baseline", ["reconstruction", "scan"])
def test_gradient_is_the_derivative_of_what_is_scored(name, baseline):
    """Along g itself the score's slope is |g|^2; of a clipped picture's as of one that isn't."""
    workspace = workspace_of(name, baseline=baseline, composite="residual", slice_smoothing=0)
    slope = float(workspace.encoded.gradient.square().sum())
    assert finite_difference(workspace, 1e-6) == pytest.approx(slope, rel=1e-6)
    other = workspace_of(
        name, baseline="scan" if baseline == "reconstruction" else "reconstruction"
    )
    gradient, unlike = workspace.encoded.gradient, other.encoded.gradient
    assert (gradient - unlike).abs().max() > 0.01 * unlike.abs().max()


def test_a_voxel_whose_picture_is_cut_has_no_part_in_the_gradient():
    autoencoder, function, slices, _ = shift_problem("beyond_change")
    z = autoencoder.encode(slices).requires_grad_(True)
    drawn = autoencoder.decode(z)
    beyond = (drawn < 0) | (drawn > 1)
    assert 0.1 < float(beyond.double().mean()) < 0.9
    moved = slices + drawn.clamp(0, 1) - drawn.clamp(0, 1).detach()
    (expected,) = torch.autograd.grad(function(as_batch(moved))[0], z)
    workspace = workspace_of("beyond_change", baseline="scan")
    torch.testing.assert_close(workspace.encoded.gradient, expected, rtol=0, atol=1e-14)
    decoded = workspace.encoded.decoded
    assert 0 <= float(decoded.min()) < float(decoded.max()) <= 1


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
        rule = "very_low" if name == "low_at_once" else name.removeprefix("beyond_")
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


def climbing(*scores: float):
    """Return what evaluates to these scores rung by rung, with no change to speak of."""
    left = iter(scores)
    return lambda lam: SearchPoint(lam, next(left), 0.0)


@pytest.mark.parametrize(
    ("unit", "scores", "visited", "reason"),
    [
        # a probability ends at 1: above 0.95 it is as high as the paper's 0.05 is low
        ("probability", (0.96,), 1, stopping.TARGET_REACHED),
        ("probability", (0.5, 0.94, 0.951, 0.99), 3, stopping.TARGET_REACHED),
        # litres and logits don't: 1.879 L is no target, nor is 3 L
        ("L", (1.879, 1.95, 2.1, 2.0), 4, stopping.NO_FURTHER_INCREASE),
        ("logit", (-4.0, -3.5, 0.97, -9.0), 3, stopping.TARGET_REACHED),  # rose by more than 0.8
        ("logit", (0.96, 1.2, 1.7, 1.6), 4, stopping.NO_FURTHER_INCREASE),
        ("", (7.0, 7.5, 7.79, 7.81), 4, stopping.TARGET_REACHED),
    ],
)
def test_increase_knows_where_a_unit_ends(unit, scores, visited, reason):
    found = reference_search(climbing(*scores), "increase", 0.05, unit)
    assert (len(found.path), found.stop_reason) == (visited, reason)


@pytest.mark.parametrize("unit", ["probability", "L", "logit", ""])
def test_decrease_has_the_papers_very_low_for_every_unit(unit):
    found = reference_search(climbing(0.3, 0.0501, 0.0499), "decrease", 0.05, unit)
    assert (len(found.path), found.stop_reason) == (3, stopping.TARGET_REACHED)


@pytest.mark.parametrize("unit", ["probability", "L"])
def test_the_unit_is_the_targets(unit):
    """Mirrored and lifted to litres above 0.95, which would end a probability's search at once."""
    given = workspace_of("rose", direction="increase")
    function = given.models.classifier.function
    models = replace(given.models, classifier=Adapted(lambda x: 2 - 0.1 * function(x), unit))
    encoded = replace(
        given.encoded, decoded_score=2 - 0.1 * given.score, gradient=-0.1 * given.encoded.gradient
    )
    found = search_range(Workspace(models, encoded, given.settings, Reporter()), 0, SLICES)
    ended_at_once = found.point.lam == 0 and found.stop_reason == stopping.TARGET_REACHED
    assert ended_at_once == (unit == "probability")


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
