"""Random regions, other classifiers, undoing: places and models whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from block_scan import BlockSeer
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.trust import (
    composition,
    consensus,
    planted,
    random_region,
    reconstruction_gap,
    reversal,
    second_model,
)
from CTCounterfactualLib.trust.meaning import finding_of, others_of
from CTCounterfactualLib.trust.random_region import random_place
from CTCounterfactualLib.trust.verdict import FAIL, NOT_RUN, PASS, WARN


class Contrary(BlockSeer):
    """Sees the block the more, the less of it there is."""

    name = "contrary"

    def score(self, x, target=None):
        return 0.5 - super().score(x, target)


def run(module, subject, thorough=False):
    return module.TEST.run(module.TEST, subject, thorough)


def test_a_random_place_is_whole_as_large_as_asked_and_where_it_may_be():
    free = np.zeros((8, 20, 20), bool)
    free[:, :, 8:] = True
    place = random_place(free, 100, (1.5, 1.5, 3.0), np.random.default_rng(0))
    assert place.sum() == 100 and not (place & ~free).any()
    at = np.argwhere(place) * (3.0, 1.5, 1.5)
    assert np.ptp(at, axis=0).max() < 20  # a ball, not scattered voxels


def test_blurring_the_block_counts_and_blurring_elsewhere_does_not(subject_of, map_of):
    found = run(random_region, subject_of(map_of("input-gradient")))
    assert found.status == PASS and found.number < 0.1
    assert len(found.facts["others"]) == random_region.PLACES


def test_a_map_of_the_wrong_place_does_no_better_than_chance(subject_of, map_of, known):
    wrong = np.zeros(known.mask.shape, np.float32)
    wrong[2:8, 38:43, 20:40] = 1.0  # soft tissue, far from the block
    found = run(random_region, subject_of(map_of(wrong)))
    assert found.status == FAIL and found.number > 1


def test_a_search_in_random_regions_moves_the_score_less(subject_of, explanation):
    found = run(random_region, subject_of(explanation))
    assert found.status == PASS and len(found.facts["others"]) == random_region.REGIONS


def test_a_second_model_that_sees_the_same_agrees(subject_of, perfect):
    found = run(second_model, subject_of(perfect, second=((BlockSeer(), None),)))
    (answer,) = found.facts["answers"]
    before, after = answer["before"], answer["after"]
    assert found.status == PASS
    assert found.number == pytest.approx((before - after) / (before - -1.0))


def test_a_second_model_that_does_not_move_fails_and_one_that_never_saw_it_says_nothing(
    subject_of, perfect
):
    still = replace(perfect, counterfactual=perfect.scan.array.copy())
    assert run(second_model, subject_of(still, second=((BlockSeer(), None),))).status == FAIL
    blind = BlockSeer()
    blind.targets = (Target("block", "logit", threshold=50.0, negatives=-1.0),)
    found = run(second_model, subject_of(perfect, second=((blind, None),)))
    assert found.status == NOT_RUN and "don't see" in found.sentence
    found = run(second_model, subject_of(perfect, second=((Contrary(), None),)))
    assert found.status in (FAIL, NOT_RUN) and found.status != PASS


def test_targets_of_one_finding_find_each_other():
    assert finding_of("effusion-demo", "pleural effusion") == "effusion"
    assert finding_of("effusion-demo", "pleural effusion logit") == "effusion"
    assert finding_of("findings-demo", "nodule probability") == "nodule"
    assert finding_of("lung-volume", "aerated lung volume") == "expiration"
    assert finding_of("mine", "pneumothorax") == "pneumothorax"
    assert finding_of("mine", "bone age") is None
    assert ("findings-demo", "effusion") in others_of("effusion-demo", "effusion")
    assert not any(name == "findings-demo" for name, _ in others_of("findings-demo", "effusion"))


@pytest.mark.parametrize(
    ("reconstruction", "counterfactual", "status"),
    [(0.1, -1.0, PASS), (-0.4, -1.0, WARN), (-1.2, -1.0, FAIL), (0.1, 0.5, FAIL)],
)
def test_the_gap_is_measured_by_the_way_that_was_wanted(
    subject_of, explanation, reconstruction, counterfactual, status
):
    scores = replace(
        explanation.scores,
        original=0.2,
        reconstruction=reconstruction,
        counterfactual=counterfactual,
    )
    assert run(reconstruction_gap, subject_of(replace(explanation, scores=scores))).status == status


def test_asked_for_nothing_our_search_gives_the_scan_and_the_papers_does_not(
    subject_of, explanation
):
    ours = run(composition, subject_of(explanation))
    assert ours.status == PASS and ours.number == 0.0
    paper = subject_of(explanation)
    paper.settings = ExplainSettings(search="reference", baseline="reconstruction", mode="whole")
    redrawn = run(composition, paper)
    assert redrawn.number > 1.0 and redrawn.status in (WARN, FAIL)


def test_undoing_is_measured_against_the_change(subject_of, explanation):
    found = run(reversal, subject_of(explanation))
    assert 0 <= found.number < 3 and "score" in found.facts
    nothing = replace(explanation, difference=np.zeros_like(explanation.difference))
    assert run(reversal, subject_of(nothing)).status == NOT_RUN


def test_what_all_agree_on_is_always_needed(subject_of, map_of):
    found = run(consensus, subject_of(map_of("input-gradient")))
    pairs = found.facts["pairs"]
    assert {"input-gradient / hirescam", "input-gradient / latent-shift"} <= pairs.keys()
    assert found.facts["always_ml"] > 0
    assert found.number > 3 * found.facts["chance"]


def test_what_no_painter_makes_is_not_planted(subject_of, map_of):
    assert "No painter" in run(planted, subject_of(map_of("input-gradient"))).sentence


@pytest.mark.parametrize("module", [reconstruction_gap, second_model, composition, reversal])
def test_a_map_is_asked_nothing_that_needs_a_counterfactual(module, subject_of, map_of):
    assert run(module, subject_of(map_of("input-gradient"))).status == NOT_RUN
