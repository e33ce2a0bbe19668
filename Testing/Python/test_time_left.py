"""The time that is left is guessed by what is done, and never grows by standing still."""

import pytest

from CTCounterfactualLib.time_left import TimeLeft, duration


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def left(now):
    return TimeLeft(lambda: now[0])


def test_nothing_is_guessed_at_first_nor_at_the_end(left, now):
    now[0] += 5
    left.tell(0.05)
    assert (left.seconds, left.elapsed) == (None, 5)
    left.tell(1.0)
    assert left.seconds is None


def test_a_guess_counts_down_while_nothing_is_told_and_runs_out(left, now):
    now[0] += 10
    left.tell(0.25)
    assert left.seconds == pytest.approx(30)
    for passed in (10, 10, 9):  # 29 s without a word
        before, now[0] = left.seconds, now[0] + passed
        left.tell(0.25)  # the same again is no news
        assert left.seconds == pytest.approx(before - passed)
    now[0] += 5
    assert left.seconds is None


def test_a_guess_is_renewed_when_the_run_has_got_further(left, now):
    now[0] += 10
    left.tell(0.5)
    now[0] += 20
    left.tell(0.6)
    assert left.seconds == pytest.approx(20)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9, "0:00"), (65, "1:05"), (3599.9, "59:59"), (3725, "1:02:05")]
)
def test_times_are_said_as_people_read_them(seconds, text):
    assert duration(seconds) == text
