"""Which way a change goes, and that a size's counterfactual goes no other way."""

import pytest
import torch

from block_scan import BlockSeer, known_scan
from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.one_way import (
    BOTH,
    DENSER,
    THINNER,
    gains_of,
    is_size,
    kept_to,
    way_of,
)
from CTCounterfactualLib.counterfactual.tissue import Bounds
from CTCounterfactualLib.models.targets import Target


class BlockSize(BlockSeer):
    """Measures what `BlockSeer` decides on."""

    name = "block size"
    targets = (Target("block volume", "mL"),)


@pytest.mark.parametrize(
    ("denser", "thinner", "way"),
    [
        (1.0, 0.0, DENSER),
        (2.0, 0.9, DENSER),
        (2.0, 1.1, BOTH),
        (1.0, 2.5, THINNER),
        (0.0, 0.0, BOTH),
        (1.0, -5.0, DENSER),
        (-1.0, -5.0, BOTH),
    ],
)
def test_two_thirds_make_a_way(denser, thinner, way):
    assert way_of([(denser, thinner), (0.0, 0.0)]) == way
    assert way_of([(denser / 2, thinner / 2)] * 2) == way


def test_only_measures_have_a_size():
    assert is_size(Target("lung volume", "L"))
    assert not is_size(Target("lung volume", "L", threshold=4.0))
    assert not is_size(Target("effusion", "logit"))
    assert not is_size(Target("effusion", "probability"))


def test_a_gain_is_what_the_score_gains_by_the_voxels_of_each_way():
    reaction = torch.tensor([1.0, 2.0, -1.0, 3.0])
    change = torch.tensor([0.5, -0.5, 0.25, 0.0])
    assert gains_of(reaction, change) == (0.25, -1.0)


@pytest.mark.parametrize(
    ("way", "expected"), [(DENSER, [0.5, 0.7]), (THINNER, [0.3, 0.5]), (BOTH, [0.3, 0.7])]
)
def test_what_goes_the_other_way_stays_as_it_is(way, expected):
    base = torch.full((2, 1, 1, 1), 0.5)
    moved = torch.tensor([0.3, 0.7])[:, None, None, None]
    held = kept_to(Bounds(), way, base).hold(moved, base)
    assert held.flatten().tolist() == pytest.approx(expected)


def test_the_other_bound_stays():
    x = torch.full((1, 1, 1, 1), 0.5)
    bounds = Bounds(darkest=torch.full_like(x, 0.4), brightest=torch.full_like(x, 0.6))
    denser, thinner = kept_to(bounds, DENSER, x), kept_to(bounds, THINNER, x)
    assert denser.brightest is bounds.brightest and thinner.darkest is bounds.darkest


def test_a_size_moves_one_way_and_a_decision_may_move_both():
    wide = {"mode": "whole", "focus": "none", "goal": "limit", "max_change": 0.02}
    size, decision = (
        explain(known_scan().scan, each, **wide) for each in (BlockSize(), BlockSeer())
    )
    assert size.difference.min() < -50 and size.difference.max() == 0
    assert decision.difference.max() > 50  # the autoencoder's echo beside the block
    assert size.scores.counterfactual < size.scores.original
