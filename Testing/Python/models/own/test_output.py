"""One number per volume out of whatever a network returns, worked out by hand."""

import math

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.output import CardTarget, OutputSpec

LOGITS = torch.tensor([[0.0, math.log(3.0)], [math.log(4.0), 0.0]])


def target(*index: int, unit: str = "") -> CardTarget:
    return CardTarget("t", unit, index=index)


@pytest.mark.parametrize(
    ("activation", "index", "expected"),
    [
        ("none", (1,), [math.log(3.0), 0.0]),
        ("sigmoid", (1,), [0.75, 0.5]),
        ("softmax", (0,), [0.25, 0.8]),
        ("softmax", (0, 1), [1.0, 1.0]),
    ],
)
def test_activations(activation, index, expected):
    score = OutputSpec("logit", activation).score(LOGITS, target(*index), 1.0)
    assert score.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 1, 1, 1, 1)])
def test_a_single_output_in_any_shape(shape):
    values = torch.tensor([3.0, 5.0]).reshape(shape)
    assert OutputSpec("score").score(values, target(0), 1.0).tolist() == [3, 5]


def test_segmentation_in_litres_and_voxels():
    # Two classes, 2 x 3 x 4 voxels, class 1 has probability 3/4 everywhere; the input of 6 litres
    # is covered by them, so that a voxel of the output is 1/4 litre.
    logits = torch.zeros(1, 2, 2, 3, 4)
    logits[:, 1] = math.log(3.0)
    spec = OutputSpec("segmentation", "softmax")
    assert spec.score(logits, target(1, unit="L"), 6.0).item() == pytest.approx(4.5)
    assert spec.score(logits, target(1, unit="voxels"), 6.0).item() == pytest.approx(18.0)
    assert spec.score(logits, target(0, 1, unit="L"), 6.0).item() == pytest.approx(6.0)


def test_select_from_tuple_and_dict():
    values = torch.tensor([[7.0]])
    for select, returned in ((1, (None, values)), ("logits", {"logits": values})):
        assert OutputSpec("logit", select=select).score(returned, target(0), 1.0).item() == 7


@pytest.mark.parametrize(
    ("spec", "returned", "words"),
    [
        (OutputSpec("logit"), (1, 2), "a tuple of 2, not a tensor.*`select`"),
        (OutputSpec("logit", select="a"), {"b": 1}, "selects 'a'.*a dict with 'b'"),
        (OutputSpec("logit", select=5), (1, 2), "selects 5.*a tuple of 2"),
        (OutputSpec("logit"), torch.zeros(1, 2, 4, 4, 4), "Is it a segmentation"),
        (OutputSpec("segmentation"), torch.zeros(1, 2), "a segmentation is expected"),
        (OutputSpec("logit"), torch.zeros(1, 2, dtype=torch.int64), "type int64; expected.*floats"),
        (
            OutputSpec("logit"),
            torch.zeros(1, 3),
            r"output 3, but the network has 3 outputs \(0 to 2\)",
        ),
    ],
)
def test_what_does_not_fit_is_said(spec, returned, words):
    with pytest.raises(ModelError, match=words):
        spec.score(returned, target(3), 1.0)


@pytest.mark.parametrize(
    ("kind", "activation", "unit"),
    [
        ("logit", "none", "logit"),
        ("logit", "sigmoid", "probability"),
        ("probability", "none", "probability"),
        ("score", "none", ""),
        ("segmentation", "softmax", "L"),
    ],
)
def test_units_follow_from_the_kind(kind, activation, unit):
    assert OutputSpec(kind, activation).unit == unit


def test_probability_with_an_activation_contradicts_itself():
    with pytest.raises(ModelError, match=r"say kind logit"):
        OutputSpec.from_table({"kind": "probability", "activation": "sigmoid"}, "card")


def test_segmentation_targets_begin_after_the_background():
    spec = OutputSpec("segmentation")
    assert spec.target({"name": "lung"}, 0, "card").index == (1,)
    assert OutputSpec("logit").target({"name": "a"}, 3, "card").index == (3,)
    with pytest.raises(ModelError, match=r"unit = 'ml', expected L or voxels"):
        spec.target({"name": "lung", "unit": "ml"}, 0, "card")
