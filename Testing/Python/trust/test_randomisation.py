"""Random weights: an explanation that depends on them passes, one that doesn't fails."""

import pytest
import torch

from block_scan import BlockSeer
from CTCounterfactualLib.trust.random_weights import randomised, weighted_layers
from CTCounterfactualLib.trust.randomisation import TEST
from CTCounterfactualLib.trust.verdict import FAIL, NOT_RUN, PASS


class Deaf(BlockSeer):
    """Scores brightness by a formula, whatever its network says."""

    def score(self, x, target=None):
        return torch.relu(x - 0.575).mean(dim=(1, 2, 3, 4)) * 400 + 0 * super().score(x, target)


class Formula(BlockSeer):
    """Has no network at all."""

    def __init__(self):
        pass

    def score(self, x, target=None):
        return x.mean(dim=(1, 2, 3, 4))


def test_layers_come_last_first_and_only_those_that_run():
    seer = BlockSeer()
    seer.network.unused = torch.nn.Linear(2, 2)
    found = weighted_layers(seer, lambda: seer.score(torch.zeros(1, 1, 2, 4, 4)))
    assert [name for name, _ in found] == ["count", "average"]


def test_weights_keep_their_size_and_come_back_to_the_bit_whatever_happens():
    network = BlockSeer().network
    before = {name: p.clone() for name, p in network.named_parameters()}
    layers = [network.count, network.average]
    with pytest.raises(ZeroDivisionError), randomised(layers, seed=1):
        drawn = network.average.weight.detach().clone()
        assert not torch.equal(drawn, before["average.weight"])
        ratio = drawn.square().mean() / before["average.weight"].detach().square().mean()
        assert 0.3 < float(ratio) < 3
        raise ZeroDivisionError
    assert all(torch.equal(p, before[name]) for name, p in network.named_parameters())


def test_seeds_decide_the_numbers():
    network = BlockSeer().network
    drawn = []
    for seed in (1, 1, 2):
        with randomised([network.average], seed):
            drawn.append(network.average.weight.detach().clone())
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_a_map_of_the_networks_own_weights_passes_and_says_each_step(subject_of, map_of, known):
    seer = BlockSeer()
    made = map_of("input-gradient", seer)
    subject = subject_of(made, seer, truth=known.mask[:, ::-1, ::-1])  # prepared is RAS
    found = TEST.run(TEST, subject, True)
    assert found.status == PASS and found.number < 0.5
    assert [step["layers"] for step in found.facts["steps"]] == [1, 2, 2]
    assert found.facts["truth_dice"] > 0.9
    assert all(0 <= step["truth_dice"] <= 1 for step in found.facts["steps"])


def test_a_map_that_no_weight_changes_fails(subject_of, map_of):
    deaf = Deaf()
    found = TEST.run(TEST, subject_of(map_of("input-gradient", deaf), deaf), False)
    assert found.status == FAIL and found.number == pytest.approx(1.0)


def test_a_formula_has_no_weights(subject_of, map_of):
    formula = Formula()
    found = TEST.run(TEST, subject_of(map_of("input-gradient", formula), formula), False)
    assert found.status == NOT_RUN and "no layers with weights" in found.sentence


def test_a_counterfactual_is_searched_to_its_own_amount_of_change(subject_of, explanation):
    found = TEST.run(TEST, subject_of(explanation), False)
    assert found.number is not None and abs(found.number) <= 1
    assert len(found.facts["steps"]) == 1
