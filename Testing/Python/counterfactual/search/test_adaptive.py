"""The adaptive search on functions whose best point is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CTCounterfactualLib.counterfactual.result import SearchPoint
from CTCounterfactualLib.counterfactual.search import stopping
from CTCounterfactualLib.counterfactual.search.adaptive import Pace, adaptive_search
from CTCounterfactualLib.counterfactual.search.goal import AdaptiveGoal
from CTCounterfactualLib.counterfactual.search.logit import probability_of

LIMIT = 0.05


@dataclass
class Landscape:
    """Score and change as functions of the distance |lambda|, in either direction."""

    score: Callable[[float], float]
    change: Callable[[float], float] = lambda s: 0.01 * s  # the limit lies at |lambda| = 5
    sign: float = -1.0
    asked: list[float] = field(default_factory=list)

    def __call__(self, lam: float) -> SearchPoint:
        self.asked.append(lam)
        distance = self.sign * lam
        assert distance >= 0, f"asked on the wrong side, at {lam}"
        return SearchPoint(lam, self.score(distance), self.change(distance))


def goal(direction="decrease", limit=LIMIT, target=None, evaluations=12) -> AdaptiveGoal:
    return AdaptiveGoal(direction, limit, target, evaluations)


def test_linear_goes_to_the_limit_in_three_evaluations():
    found = adaptive_search(Landscape(lambda s: 1 - 0.1 * s), 5.0, goal())
    # start, the point aimed at (0.99 of the limit), and the look back from it
    assert [p.lam for p in found.path] == pytest.approx([0, -4.95, -0.75 * 4.95])
    assert found.point.score == pytest.approx(1 - 0.495)
    assert found.stop_reason == stopping.CHANGE_LIMIT


def test_a_point_beyond_the_limit_spares_the_look_back():
    """6 * 0.99 overshoots; the limit is met at once by proportion; beyond it was better still."""
    found = adaptive_search(Landscape(lambda s: 1 - 0.1 * s), 6.0, goal())
    assert [p.lam for p in found.path] == pytest.approx([0, -5.94, -4.95])
    assert found.stop_reason == stopping.CHANGE_LIMIT


def test_the_next_search_starts_where_this_one_learned_to():
    """The change is s^2 / 500 and its limit at 5, the first-order guess 1: five times as far."""
    pace = Pace()
    landscape = Landscape(lambda s: 1 - 0.1 * s, lambda s: 0.002 * s**2)
    first = adaptive_search(landscape, 1.0, goal(), pace)
    assert [p.lam for p in first.path[:3]] == pytest.approx([0, -0.99, -3.96])  # 4 times at most
    assert pace.exponent == pytest.approx(2.0)
    assert pace.stretch == pytest.approx(5.0)
    second = adaptive_search(landscape, 2.0, goal(), pace)  # its limit must lie at 10: too far
    assert second.path[1].lam == pytest.approx(-0.99 * 10)
    # Back by the learned power: 9.9 * (0.0495 / 0.002 / 9.9^2)^(1/2)
    assert second.path[2].lam == pytest.approx(-4.9749, abs=1e-4)


def test_a_wrongly_learned_power_does_not_hold_a_search_up():
    """The power is 1, not 3; points too close to each other to tell count with earlier ones."""
    found = adaptive_search(
        Landscape(lambda s: 1 - 0.1 * s), 3.0, goal(), Pace(stretch=1.0, exponent=3.0)
    )
    assert found.stop_reason == stopping.CHANGE_LIMIT
    assert len(found.path) <= 7


def test_no_lambda_is_asked_twice_where_a_change_begins_late():
    """Nothing changes up to 1, and at 4 twice the limit: a power of 0.4 would lead back to 1."""
    landscape = Landscape(lambda s: 1 - 0.1 * s, lambda s: max(0.0, s - 1) * 0.1 / 3)
    found = adaptive_search(landscape, 1 / 0.99, goal(), Pace(stretch=1.0, exponent=0.4))
    assert found.stop_reason == stopping.CHANGE_LIMIT
    assert len(set(landscape.asked)) == len(landscape.asked)


def test_increase_goes_to_positive_lambda():
    found = adaptive_search(Landscape(lambda s: 2 + s, sign=1.0), 5.0, goal("increase"))
    assert found.point.lam == pytest.approx(4.95)
    assert found.point.score == pytest.approx(6.95)
    assert found.stop_reason == stopping.CHANGE_LIMIT


@pytest.mark.parametrize("first_step", [0.05, 0.5, 2.0, 20.0, 400.0])
@pytest.mark.parametrize(
    "change",
    [lambda s: 0.01 * s, lambda s: 0.002 * s**2, lambda s: 0.05 * math.sqrt(s / 5)],
    ids=["linear", "square", "root"],
)
def test_a_bad_first_guess_still_ends_near_the_limit(first_step, change):
    """Whatever the guess, up to a factor of 100 off, the kept change is close to the allowed."""
    landscape = Landscape(lambda s: math.exp(-s), change)
    found = adaptive_search(landscape, first_step, goal())
    assert found.stop_reason == stopping.CHANGE_LIMIT
    assert 0.98 * LIMIT <= found.point.change <= LIMIT


@pytest.mark.parametrize(
    "change",
    [
        lambda s: 0.01 * s,
        lambda s: 0.01 * s + 0.0004 * s**2,
        lambda s: 0.08 * (1 - math.exp(-0.2 * s)),
        lambda s: 0.0075 * s * (1 + 0.2 * math.sin(s)),
    ],
    ids=["linear", "bent up", "bent down", "wavy"],
)
@pytest.mark.parametrize(
    "score",
    [lambda s: 5 - s, lambda s: 1 / (1 + math.exp(s - 2)), lambda s: 3 * math.exp(-s / 3)],
    ids=["linear", "logistic", "exponential"],
)
def test_smooth_cases_need_at_most_six_evaluations(score, change):
    """The first guess is the first-order one, as the workspace makes it."""
    slope = (change(1e-6) - change(0)) / 1e-6
    found = adaptive_search(Landscape(score, change), LIMIT / slope, goal())
    assert found.stop_reason == stopping.CHANGE_LIMIT
    assert len(found.path) <= 6
    assert found.point.change >= 0.98 * LIMIT


def test_a_score_that_turns_keeps_its_best_point():
    # (s - 2)^2 with its valley at 2: rose at 4.95, a quarter of it, then the parabola's vertex
    found = adaptive_search(Landscape(lambda s: (s - 2) ** 2), 5.0, goal())
    assert found.stop_reason == stopping.NO_FURTHER_DECREASE
    assert [p.lam for p in found.path] == pytest.approx([0, -4.95, -4.95 / 4, -2.0])
    assert found.point.score == pytest.approx(0.0, abs=1e-12)


def test_a_turn_shortly_before_the_limit_is_seen_by_looking_back():
    """-sin(s / 2) has its valley at pi = 3.14, and is still far below its start at the limit."""
    found = adaptive_search(Landscape(lambda s: -math.sin(s / 2)), 5.0, goal())
    assert found.stop_reason == stopping.NO_FURTHER_DECREASE
    assert [p.lam for p in found.path[:3]] == pytest.approx([0, -4.95, -0.75 * 4.95])
    assert found.point.lam == pytest.approx(-math.pi, rel=0.01)
    assert len(found.path) == 6


def test_a_score_that_only_rises_keeps_the_start():
    found = adaptive_search(Landscape(lambda s: 1 + s), 5.0, goal())
    assert found.stop_reason == stopping.NO_FURTHER_DECREASE
    assert found.point == SearchPoint(0.0, 1.0, 0.0)


def test_a_turn_near_the_start_is_found_by_going_back():
    # 4.95 rose, so did a quarter of it; a 16th falls, and the parabola's vertex is the valley
    found = adaptive_search(Landscape(lambda s: (s - 0.5) ** 2), 5.0, goal())
    assert found.stop_reason == stopping.NO_FURTHER_DECREASE
    assert [p.lam for p in found.path[2:]] == pytest.approx([-4.95 / 4, -4.95 / 16, -0.5])


def test_a_saturating_score_stops_where_it_stops_moving():
    found = adaptive_search(Landscape(lambda s: max(0.2, 1 - s), lambda s: 0.001 * s), 5.0, goal())
    assert found.stop_reason == stopping.NO_FURTHER_DECREASE
    assert found.point.score == 0.2


def test_a_change_that_saturates_below_the_limit_ends_by_count():
    landscape = Landscape(lambda s: 1 / (1 + s), lambda s: 0.03 * math.tanh(s))
    found = adaptive_search(landscape, 1.0, goal(evaluations=7))
    assert found.stop_reason == stopping.EVALUATION_LIMIT
    assert len(landscape.asked) == 7
    assert found.point == found.path[-1]


@pytest.mark.parametrize("step", [0.0, -1.0, math.nan])
def test_no_gradient_keeps_the_start(step):
    landscape = Landscape(lambda s: 1 - s)
    found = adaptive_search(landscape, step, goal())
    assert found.stop_reason == stopping.NO_GRADIENT
    assert found.point == SearchPoint(0.0, 1.0, 0.0)
    assert landscape.asked == [0.0]


def test_target_score_is_met_with_no_more_change_than_needed():
    # 5 - s reaches 3 at s = 2; the step to 4.95 overshoots, the secant aims 1 % beyond 2
    found = adaptive_search(Landscape(lambda s: 5 - s), 5.0, goal(target=3.0))
    assert found.stop_reason == stopping.TARGET_REACHED
    assert found.point.lam == pytest.approx(-2.02)
    assert found.point.score == pytest.approx(2.98)


def test_a_bent_score_comes_back_to_its_target_although_the_secant_falls_short():
    # 5 - s^2 / 5 is 3 at s = 3.162; the secant from 0 to 4.95 leads to 2.05 only
    found = adaptive_search(Landscape(lambda s: 5 - s**2 / 5), 5.0, goal(target=3.0))
    assert found.stop_reason == stopping.TARGET_REACHED
    assert found.path[2].lam == pytest.approx(-2.02 / 0.99)
    assert found.path[2].score > 3.0
    assert 3.162 < -found.point.lam < 3.5
    assert found.point.score <= 3.0


def test_a_score_that_has_long_stopped_moving_comes_back_to_its_target():
    """At the limit it has been all but still for nine tenths of the way."""
    target = 1 - 0.8
    landscape = Landscape(lambda s: math.exp(-4 * s))
    found = adaptive_search(landscape, 5.0, goal(target=target))
    assert found.stop_reason == stopping.TARGET_REACHED
    assert 0.9 * 0.8 <= 1 - found.point.score <= 1.0 and found.point.score <= target
    assert found.point.change < 0.2 * LIMIT  # exactly 0.08 of it; secants alone end at 0.4
    assert len(found.path) <= 7


def test_target_out_of_reach_goes_to_the_limit():
    found = adaptive_search(Landscape(lambda s: 5 - s), 5.0, goal(target=-10.0))
    assert found.stop_reason == stopping.CHANGE_LIMIT
    assert found.point.lam == pytest.approx(-4.95)


@pytest.mark.parametrize(("direction", "target"), [("decrease", 6.0), ("increase", 4.0)])
@pytest.mark.parametrize("slope", [-1.0, 1.0])
def test_target_that_holds_already_needs_no_step(direction, target, slope):
    sign = -1.0 if direction == "decrease" else 1.0
    landscape = Landscape(lambda s: 5 + slope * s, sign=sign)
    found = adaptive_search(landscape, 5.0, goal(direction, target=target))
    assert found.stop_reason == stopping.TARGET_REACHED
    assert found.point == SearchPoint(0.0, 5.0, 0.0)
    assert landscape.asked == [0.0]


def test_target_never_costs_more_change_than_allowed():
    """Where the change bulges in between, coming back to the target must not break the limit."""

    def change(s: float) -> float:
        return 0.2 if 2 < s < 4 else 0.01 * s

    found = adaptive_search(Landscape(lambda s: 5 - s, change), 5.0, goal(target=2.0))
    assert [p.lam for p in found.path] == pytest.approx([0, -4.95, -3.03])
    assert found.path[-1].change > LIMIT  # where the secant leads
    assert found.point.lam == pytest.approx(-4.95)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    direction=st.sampled_from(["decrease", "increase"]),
    start=st.floats(-5, 5),
    waves=st.lists(
        st.tuples(st.floats(-3, 3), st.floats(0.01, 3), st.floats(0, 6)), min_size=1, max_size=4
    ),
    rate=st.floats(1e-4, 10),
    bend=st.floats(0.3, 3),
    ripple=st.floats(0, 1),
    guess=st.floats(1e-2, 1e2),
    limit=st.floats(0.001, 1),
    target=st.none() | st.floats(-8, 8),
    evaluations=st.integers(2, 14),
)
def test_keeps_the_best_allowed_point_of_any_landscape(
    direction, start, waves, rate, bend, ripple, guess, limit, target, evaluations
):
    def score(s: float) -> float:
        return start + sum(a * (math.sin(f * s + p) - math.sin(p)) for a, f, p in waves)

    def change(s: float) -> float:  # a ripple makes it go down in places
        return (rate * s) ** bend * (1 + ripple * math.sin(5 * s))

    sign = -1.0 if direction == "decrease" else 1.0
    wanted = goal(direction, limit, target, evaluations)
    first_step = guess * limit ** (1 / bend) / rate
    told: list[SearchPoint] = []
    found = adaptive_search(Landscape(score, change, sign), first_step, wanted, keep=told.append)

    # Whoever was told last which point is the best holds the one that is kept.
    assert (told or found.path[:1])[-1] is found.point
    assert len(found.path) <= evaluations
    assert found.point in found.path
    assert found.point.change <= limit
    assert found.stop_reason in stopping.STOP_REASONS
    assert found.path[0] == SearchPoint(0.0, start, 0.0)
    allowed = [p for p in found.path if p.change <= limit]
    gains = [wanted.gain(p, found.path[0]) for p in allowed]
    if found.stop_reason == stopping.TARGET_REACHED:
        assert wanted.reached(found.point)
    else:
        assert wanted.gain(found.point, found.path[0]) == max(gains)
        assert not any(map(wanted.reached, allowed)) or found.stop_reason in (
            stopping.no_further(direction),  # a bisection may still step over the target
        )


def test_a_gradient_too_weak_to_matter_ends_the_search():
    """The change limit lies at |lambda| = 100, but the search may go no further than 20."""
    goal = AdaptiveGoal("decrease", 0.05, None, 12, max_step=20.0)
    found = adaptive_search(
        lambda lam: SearchPoint(lam, 1 + lam / 1000, abs(lam) * 5e-4), 100.0, goal
    )
    assert found.stop_reason == "no gradient"
    assert found.point.lam == -20.0


def logits(slope: float, start: float) -> Landscape:
    """Return a probability whose logit falls evenly with the distance."""
    return Landscape(lambda s: probability_of(start - slope * s))


def test_a_probability_is_searched_on_its_logit():
    """From a logit of 20 it falls by 2 to the limit: 2e-9 in all, which is no step to p itself."""
    blind = adaptive_search(logits(0.4, 20.0), 5.0, goal())
    assert blind.stop_reason == stopping.NO_FURTHER_DECREASE
    wanted = AdaptiveGoal("decrease", LIMIT, None, 12, logit=True)
    found = adaptive_search(logits(0.4, 20.0), 5.0, wanted)
    assert (found.stop_reason, found.point.lam) == (stopping.CHANGE_LIMIT, pytest.approx(-4.95))
    assert wanted.gain(found.point, found.path[0]) == pytest.approx(0.4 * 4.95, rel=1e-6)


@pytest.mark.parametrize("direction", ["decrease", "increase"])
def test_the_least_change_that_changes_the_decision(direction):
    """The logit of +-6 moves by 4 a step; 0.1 (0.9) is reached at a distance of 2.05: a straight
    line on the logit, so one secant, aimed 1 % beyond, gets there.
    """
    sign, goal_score = (-1.0, 0.1) if direction == "decrease" else (1.0, 0.9)
    wanted = AdaptiveGoal(
        direction, LIMIT, goal_score, 12, logit=True, when_reached=stopping.DECISION_CHANGED
    )
    way = Landscape(lambda s: probability_of(sign * (4 * s - 6)), sign=sign)
    found = adaptive_search(way, 5.0, wanted)
    exact = (6 + math.log(9)) / 4
    assert found.stop_reason == stopping.DECISION_CHANGED
    assert wanted.reached(found.point) and len(found.path) == 3
    assert exact <= abs(found.point.lam) <= 1.02 * exact


def test_a_decision_that_is_the_wanted_one_needs_no_step():
    wanted = AdaptiveGoal(
        "decrease", LIMIT, 0.1, 12, logit=True, when_reached=stopping.DECISION_CHANGED
    )
    found = adaptive_search(logits(1.0, -6.0), 5.0, wanted)
    assert (found.stop_reason, len(found.path)) == (stopping.NOTHING_TO_FLIP, 1)


def test_a_decision_that_the_limit_does_not_allow_to_change():
    wanted = AdaptiveGoal(
        "decrease", LIMIT, 0.1, 12, logit=True, when_reached=stopping.DECISION_CHANGED
    )
    found = adaptive_search(logits(1.0, 6.0), 5.0, wanted)
    assert (found.stop_reason, found.point.lam) == (stopping.CHANGE_LIMIT, pytest.approx(-4.95))
