"""Shapley values and interactions of games whose answer is known by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from CTCounterfactualLib.methods.structures.shapley import Remembered, shapley_values


def rng():
    return np.random.default_rng(5)


def pairwise(singles, pairs):
    """Return the game sum_i a_i + sum_ij b_ij over the players that are in."""

    def game(players):
        inside = [i for i in range(len(singles)) if players >> i & 1]
        return sum(singles[i] for i in inside) + sum(
            value for (i, j), value in pairs.items() if i in inside and j in inside
        )

    return game


def test_additive_and_pairwise_games_by_hand():
    """phi_i = a_i + half of its pairs; I_ij = b_ij."""
    found = shapley_values(pairwise([1.0, -2.0, 0.5], {(0, 1): 3.0, (1, 2): -1.0}), 3, 8, rng())
    assert found.exact and found.asked == 8
    assert found.values == pytest.approx([2.5, -1.0, 0.0])
    assert found.pairs[0, 1] == pytest.approx(3) and found.pairs[1, 2] == pytest.approx(-1)
    assert found.pairs[0, 2] == pytest.approx(0) and found.pairs[2, 1] == found.pairs[1, 2]
    assert np.array_equal(found.low, found.values) and np.array_equal(found.high, found.values)


def test_a_glove_game_by_hand():
    """Players 0 and 1 have a left glove each, 2 a right one: (1/6, 1/6, 4/6)."""
    found = shapley_values(lambda s: float(bool(s & 4 and s & 3)), 3, 8, rng())
    assert found.values == pytest.approx([1 / 6, 1 / 6, 4 / 6])
    # v(012) - v(02) - v(12) + v(2) = -1 for the left ones, with the right one there or not: -1/2.
    assert found.pairs[0, 1] == pytest.approx(-0.5)


def test_exact_values_are_means_over_all_orders():
    values = np.random.default_rng(1).normal(size=32)
    found = shapley_values(lambda s: float(values[s]), 5, 32, rng())
    means = np.zeros(5)
    for order in permutations(range(5)):
        before = 0
        for player in order:
            means[player] += values[before | 1 << player] - values[before]
            before |= 1 << player
    assert found.values == pytest.approx(means / 120)
    assert found.values.sum() == pytest.approx(values[31] - values[0])  # efficiency


def test_players_alike_get_the_same_and_a_player_without_effect_nothing():
    found = shapley_values(lambda s: float((s & 1) + (s >> 1 & 1)) ** 2, 3, 8, rng())
    assert found.values[0] == pytest.approx(found.values[1]) and found.values[2] == 0


def test_one_player_has_it_all():
    found = shapley_values(lambda s: 7.0 * s, 1, 100, rng())
    assert found.values == pytest.approx([7.0]) and found.pairs.tolist() == [[0.0]]


def test_sampled_values_sum_to_the_whole_and_their_intervals_hold_the_truth():
    n = 10
    singles = np.linspace(-1, 2, n)
    pairs = {(0, 9): 4.0, (3, 4): -2.0}
    game = pairwise(singles, pairs)
    found = shapley_values(game, n, 300, rng())
    assert not found.exact and 200 < found.asked <= 300
    assert found.values.sum() == pytest.approx(game(2**n - 1) - game(0))
    truth = singles.copy()
    for (i, j), value in pairs.items():
        truth[[i, j]] += value / 2
    # A reversed order errs the other way: of pairwise games each such pair is right.
    assert found.values == pytest.approx(truth)
    assert ((found.low <= truth + 1e-9) & (truth - 1e-9 <= found.high)).all()


def test_sampled_intervals_of_a_bent_game_cover_its_exact_values():
    n, rng_ = 9, np.random.default_rng(2)
    weights = rng_.uniform(0.1, 1, n)

    def game(players):
        return float(np.sqrt(sum(w for i, w in enumerate(weights) if players >> i & 1)))

    exact = shapley_values(game, n, 512, rng())
    covered, of = 0, 0
    for seed in range(20):
        found = shapley_values(game, n, 256, np.random.default_rng(seed))
        assert not found.exact and (found.high > found.low).all()
        covered += int(((found.low <= exact.values) & (exact.values <= found.high)).sum())
        of += n
    assert 0.85 < covered / of <= 1.0


def test_sampled_interactions_are_right_where_pairs_are_all_there_is():
    n = 9
    game = pairwise(np.ones(n), {(0, 1): 2.0, (4, 7): -1.0})
    found = shapley_values(game, n, 400, rng())
    told = np.isfinite(found.pairs)
    assert told.mean() > 0.5
    truth = np.zeros((n, n))
    for (i, j), value in {(0, 1): 2.0, (4, 7): -1.0}.items():
        truth[i, j] = truth[j, i] = value
    assert found.pairs[told] == pytest.approx(truth[told])


def test_however_few_are_allowed_two_orders_are_followed():
    found = shapley_values(lambda s: float(s.bit_count()), 8, 1, rng())
    assert found.values == pytest.approx(np.ones(8)) and np.isfinite(found.low).all()


def test_each_set_is_asked_for_once():
    asked = []

    def game(players):
        asked.append(players)
        return float(players)

    shapley_values(game, 7, 60, rng())
    assert len(asked) == len(set(asked))
    remembered = Remembered(game)
    assert remembered(3) == remembered(3) == 3.0 and len(remembered) == 1
