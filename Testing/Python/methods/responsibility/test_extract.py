"""Explanations out of a map: known sets of voxels come back."""

import numpy as np
import pytest
import torch
from toys import all_of, any_of

from CTCounterfactualLib.methods.responsibility.answer import Answer
from CTCounterfactualLib.methods.responsibility.extract import (
    Extraction,
    component_sizes,
    ranking,
)
from CTCounterfactualLib.methods.responsibility.mutants import Mutants

SHAPE = (4, 6, 6)


def extracted(score, responsibility):
    mutants = Mutants(score, torch.ones(SHAPE), torch.zeros(SHAPE))
    original, nothing = mutants.of_masks([np.ones(SHAPE, bool), np.zeros(SHAPE, bool)])
    answer = Answer.of(float(original), float(nothing))
    return {part.kind: part for part in Extraction(mutants, answer, responsibility).all()}, mutants


def values(*places):
    found = np.zeros(SHAPE, np.float32)
    for value, place in places:
        found[place] = value
    return found


def test_a_sufficient_explanation_is_minimal_where_the_map_is_right():
    places = ((1, 1, 1), (2, 4, 4))
    parts, _ = extracted(all_of(*places), values((3, places[0]), (2, places[1])))
    assert set(zip(*np.nonzero(parts["sufficient"].mask), strict=True)) == set(places)
    assert (parts["sufficient"].score, parts["sufficient"].score_without) == (1, 0)


def test_parts_that_the_answer_does_not_need_are_left_out():
    # The map has a false peak that is ranked first.
    parts, _ = extracted(all_of((1, 1, 1)), values((9, (3, 5, 5)), (3, (1, 1, 1))))
    assert np.argwhere(parts["sufficient"].mask).tolist() == [[1, 1, 1]]


def test_a_necessary_explanation_goes_on_until_nothing_else_will_do():
    # Either voxel suffices; only without both the answer is lost.
    first, second = (1, 1, 1), (2, 4, 4)
    parts, _ = extracted(any_of(first, second), values((3, first), (2, second)))
    assert np.argwhere(parts["sufficient"].mask).tolist() == [list(first)]
    assert parts["sufficient"].score_without == 1
    assert np.argwhere(parts["necessary"].mask).tolist() == [list(first), list(second)]
    assert parts["necessary"].score_without == 0


def test_a_complete_explanation_has_the_scans_own_score():
    # The answer needs one voxel, the full score all of one slice.
    def score(x):
        return x[:, 0, 1, 1, 1] + 0.1 * x[:, 0, 2].mean(dim=(1, 2))

    found = values((5, (1, 1, 1)))
    found[2] = 1
    parts, _ = extracted(score, found)
    assert parts["necessary"].mask.sum() == 1
    complete = parts["complete"]
    assert abs(complete.score - 1.1) <= 0.05 * 1.1 and 1 < complete.mask.sum() <= 37
    assert not complete.mask[3].any()


def test_the_least_length_is_found_in_few_calls():
    # The answer needs 30 of 144 voxels, ranked one after the other.
    needed = np.zeros(SHAPE, bool)
    needed.flat[20:50] = True
    mask = torch.from_numpy(needed)
    responsibility = np.arange(144, 0, -1, dtype=np.float32).reshape(SHAPE)

    def score(x):
        return (x[:, 0][:, mask].mean(dim=1) >= 1).float()

    parts, mutants = extracted(score, responsibility)
    assert 50 <= parts["sufficient"].mask.sum() <= 51
    assert mutants.calls < 80


def test_terraces_are_ranked_from_the_peak_outwards():
    responsibility = np.ones(SHAPE, np.float32)
    responsibility[1, 3, 3] = 2
    seen = np.ones(SHAPE, bool)
    seen[0] = False
    ranks = ranking(responsibility, seen)
    assert len(ranks) == seen.sum() == len(set(ranks.tolist()))
    where = np.stack(np.unravel_index(ranks, SHAPE))
    assert where[:, 0].tolist() == [1, 3, 3]
    distance = np.linalg.norm(where - np.array([[1], [3], [3]]), axis=0)
    assert (np.diff(distance) >= 0).all() and where[0].min() == 1


def test_component_sizes():
    mask = np.zeros(SHAPE, bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[3, 5, 5] = True  # the first two touch by a corner
    assert component_sizes(mask) == [2, 1]
    assert component_sizes(np.zeros(SHAPE, bool)) == []


@pytest.mark.parametrize("batch", [1, 3])
def test_mutants_keep_masks_and_count(batch):
    volume, occlusion = torch.rand(SHAPE), torch.full(SHAPE, -1.0)
    mutants = Mutants(lambda x: x.sum(dim=(1, 2, 3, 4)), volume, occlusion, batch)
    masks = [np.random.default_rng(n).random(SHAPE) < 0.3 for n in range(4)]
    wanted = [float(np.where(mask, volume.numpy(), -1).sum()) for mask in masks]
    assert mutants.of_masks(masks) == pytest.approx(wanted, abs=1e-3)
    assert mutants.calls == 4 and float(occlusion.min()) == float(occlusion.max()) == -1
