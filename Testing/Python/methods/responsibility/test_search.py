"""The search of responsibility, algorithm 1 of 3D ReX, against numbers worked out by hand.

A slice of 2 x 2 voxels can be cut in one way only: into its four voxels a, b, c, d.
"""

import numpy as np
import pytest
import torch
from toys import Written, all_of, any_of, searched

from CTCounterfactualLib.methods.responsibility.answer import Answer
from CTCounterfactualLib.methods.responsibility.boxes import Box
from CTCounterfactualLib.methods.responsibility.mutants import Mutants
from CTCounterfactualLib.methods.responsibility.search import Effort, Search

A, B, C, D = (0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)
SLICE = (1, 2, 2)


def seeded(number):
    return np.random.default_rng((7, number))


@pytest.mark.parametrize(
    ("score", "kept_by", "lost_by", "passing"),
    [
        # a alone: 1; with one of three others: 3 * 1/2; with two: 3 * 1/3. Another goes along with
        # a once in a pair, in two of the triples: 1/2 + 2/3. Failing: b alone, bc, bd, bcd.
        (all_of(A), (3.5, 7 / 6, 7 / 6, 7 / 6), (0, 7 / 3, 7 / 3, 7 / 3), 7),
        # ab, abc, abd pass.
        (all_of(A, B), (7 / 6, 7 / 6, 1 / 3, 1 / 3), (7 / 3, 7 / 3, 19 / 6, 19 / 6), 3),
        # All but c, d, cd pass.
        (any_of(A, B), (3.5, 3.5, 2, 2), (0, 0, 1.5, 1.5), 11),
    ],
)
def test_one_cut(score, kept_by, lost_by, passing):
    found, mutants = searched(score, SLICE, seeded)
    assert found.kept_by.ravel() == pytest.approx(kept_by)
    assert found.lost_by.ravel() == pytest.approx(lost_by)
    assert found.net.ravel() == pytest.approx(np.subtract(kept_by, lost_by))
    assert (found.passing, found.failing, mutants.calls) == (passing, 14 - passing, 14)


def test_where_nothing_passes_nobody_is_responsible():
    found, _ = searched(all_of(A, B, C, D), SLICE, seeded)
    assert not found.kept_by.any() and not found.lost_by.any()
    assert (found.passing, found.failing) == (0, 14)


def test_what_passes_is_cut_further_and_its_other_boxes_are_held():
    # 1 x 4 x 2 voxels; the answer needs (0, 0, 0) and (0, 3, 1).
    # First cut: J at 2, I at 1: columns p = [0:2, 0], q = [0:2, 1], r = [2:4, 0], s = [2:4, 1].
    # p and s are needed: ps, pqs, prs pass, of which ps is kept in the queue (fewest voxels).
    # Columns can't be cut again (one axis only).
    found, mutants = searched(
        all_of((0, 0, 0), (0, 3, 1)), (1, 4, 2), Written([1, 2], 2, 1), queue=1
    )
    p, q, r, s = 7 / 6, 1 / 3, 1 / 3, 7 / 6
    assert found.kept_by[0] == pytest.approx(np.array([[p, q], [p, q], [r, s], [r, s]]))
    assert mutants.calls == 14


def test_two_levels_worked_out_by_hand():
    # 1 x 4 x 4 voxels in four blocks of 2 x 2; the answer needs one voxel of block 0, one of
    # block 3. At the second level each of these blocks is cut while the other is held.
    numbers = Written([1, 2], 2, 2, [1, 2], 1, 1, [1, 2], 3, 3)
    found, mutants = searched(all_of((0, 1, 1), (0, 2, 2)), (1, 4, 4), numbers, queue=1, depth=2)
    first, other = 7 / 6, 1 / 3
    single, along = 3.5, 7 / 6
    expected = np.array(
        [
            [first + along, first + along, other, other],
            [first + along, first + single, other, other],
            [other, other, first + single, first + along],
            [other, other, first + along, first + along],
        ]
    )
    assert found.kept_by[0] == pytest.approx(expected)
    assert mutants.calls == 3 * 14 and found.deepest == 2


def test_a_box_that_several_mutants_share_is_cut_in_one_way_a_round():
    # Any of the four blocks will do: mutants of the second level share blocks. A second cut of a
    # block would draw numbers that aren't written down.
    blocks = [[1, 2], 1, 1, [1, 2], 1, 3, [1, 2], 3, 1, [1, 2], 3, 3]
    found, _ = searched(
        lambda x: x.amax(dim=(1, 2, 3, 4)), (1, 4, 4), Written([1, 2], 2, 2, *blocks), depth=2
    )
    assert found.deepest == 2


@pytest.mark.parametrize(
    ("weighting", "single"),
    [("plain", 3.5), ("volume", 3.5 * 4), ("depth", 3.5), ("score", 3.5)],
)
def test_weightings(weighting, single):
    found, _ = searched(all_of(A), SLICE, seeded, weighting=weighting)
    assert found.kept_by[A] == pytest.approx(single)


def test_weighting_by_the_score_counts_the_share_that_is_kept():
    # a is worth 0.8, the others nothing: every passing mutant keeps 0.8 of the way.
    mutants = Mutants(
        lambda x: 0.8 * x[:, 0, 0, 0, 0] + 0.2 * (x.mean(dim=(1, 2, 3, 4)) == 1),
        torch.ones(SLICE),
        torch.zeros(SLICE),
    )
    effort = Effort(rounds=1, least_voxels=1, weighting="score")
    search = Search(mutants, Answer.of(1.0, 0.0, 0.5), effort, seeded)
    found = search.run(Box((0, 0, 0), SLICE))
    assert found.kept_by.ravel() == pytest.approx([0.8 * 3.5] + 3 * [0.8 * 7 / 6])


def test_the_map_is_the_mean_over_rounds():
    found, mutants = searched(all_of(A), SLICE, seeded, rounds=5)
    assert found.positive.ravel() == pytest.approx((3.5, 7 / 6, 7 / 6, 7 / 6))
    assert mutants.calls == 5 * 14 and found.rounds == 5 and found.ended == "rounds"


def test_in_3d_the_responsible_voxel_is_found():
    place = (5, 2, 7)
    found, _ = searched(all_of(place), (8, 9, 10), seeded, rounds=20, queue=1)
    assert np.unravel_index(found.positive.argmax(), (8, 9, 10)) == place


def test_a_round_does_not_depend_on_how_far_others_came():
    both, _ = searched(all_of((3, 3, 3)), (6, 6, 6), seeded, rounds=2, queue=1)
    first, _ = searched(all_of((3, 3, 3)), (6, 6, 6), seeded, rounds=1, queue=1)
    second, _ = searched(all_of((3, 3, 3)), (6, 6, 6), lambda n: seeded(n + 1), rounds=1, queue=1)
    assert np.allclose(both.kept_by, first.kept_by + second.kept_by, rtol=1e-5)


def test_budget_of_calls():
    found, mutants = searched(all_of((3, 3, 3)), (6, 6, 6), seeded, rounds=99, calls=100)
    assert mutants.calls == 98 and found.ended == "calls" and found.kept_by.any()


def test_budget_of_seconds_and_cancel_leave_what_is_there():
    found, mutants = searched(all_of(A), SLICE, seeded, rounds=99, seconds=-1)
    assert (found.ended, mutants.calls) == ("seconds", 0)
    mutants = Mutants(all_of(A), torch.ones(SLICE), torch.zeros(SLICE))
    rounds = []
    search = Search(
        mutants,
        Answer.of(1.0, 0.0),
        Effort(rounds=9, least_voxels=1),
        seeded,
        stop=lambda: len(rounds) == 2,
        told=lambda found: rounds.append(found.rounds),
    )
    found = search.run(Box((0, 0, 0), SLICE))
    assert found.ended == "cancelled" and rounds == [1, 2]
    assert found.positive[A] == pytest.approx(3.5)


def test_batches_do_not_change_the_map():
    maps = []
    for batch in (1, 5, 16):
        mutants = Mutants(all_of((2, 2, 2)), torch.ones(5, 5, 5), torch.zeros(5, 5, 5), batch)
        effort = Effort(rounds=2, least_voxels=1)
        search = Search(mutants, Answer.of(1.0, 0.0), effort, seeded)
        maps.append(search.run(Box((0, 0, 0), (5, 5, 5))).kept_by)
    assert np.array_equal(maps[0], maps[1]) and np.array_equal(maps[0], maps[2])
