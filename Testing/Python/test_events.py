"""Events, progress that never goes back, and cancelling from another thread."""

from __future__ import annotations

import json
import threading

import pytest

from CTCounterfactualLib.errors import Cancelled, CTCounterfactualError
from CTCounterfactualLib.events import WORKING, CancelToken, Event, Reporter


def test_event_becomes_one_flat_json_object():
    event = Event("chunk", "Chunk 1 of 3", 1 / 3, {"score": 4.5, "number": 1})
    assert json.loads(json.dumps(event.to_dict())) == {
        "step": "chunk",
        "message": "Chunk 1 of 3",
        "fraction": 0.3333,
        "score": 4.5,
        "number": 1,
    }


@pytest.mark.parametrize(
    ("fraction", "told"),
    [(0.0, "[  0%] Read"), (0.054, "[  5%] Read"), (0.45, "[ 45%] Read"), (1.0, "[100%] Read")],
)
def test_event_prints_as_one_line(fraction, told):
    assert str(Event("read", "Read", fraction, {"size": [1, 2, 3]})) == told


def test_reports_arrive_in_order_with_their_data():
    seen = []
    reporter = Reporter(seen.append)
    reporter.report("read", "Read it", 0.05, size=[4, 5, 6])
    reporter.report("prepared", "Prepared 6 slices", 0.1, slices=6)
    assert seen == [
        Event("read", "Read it", 0.05, {"size": [4, 5, 6]}),
        Event("prepared", "Prepared 6 slices", 0.1, {"slices": 6}),
    ]


def test_fraction_never_decreases_and_never_exceeds_one():
    seen = []
    reporter = Reporter(seen.append)
    for fraction in (0.2, 0.1, 0.5, 1.7, 0.9):
        reporter.report("chunk", "", fraction)
    assert [event.fraction for event in seen] == [0.2, 0.2, 0.5, 1.0, 1.0]


def test_what_is_done_now_is_told_between_what_is_done():
    seen, now = [], [0.0]
    reporter = Reporter(seen.append, clock=lambda: now[0])
    reporter.begin("Encoding", 0.2, 0.4)
    for number in range(5):  # a slice takes 0.1 s: not each is worth a word
        reporter.advance(number / 4, f"slice {number + 1} of 5")
        now[0] += 0.1
    reporter.report("encoded", "Encoded", 0.4)
    now[0] += 1
    reporter.advance(0.9, "slice 9")  # nothing is being done
    assert [(event.step, event.message) for event in seen] == [
        (WORKING, "Encoding"),
        (WORKING, "Encoding: slice 4 of 5"),
        ("encoded", "Encoded"),
    ]
    assert [event.fraction for event in seen] == pytest.approx([0.2, 0.35, 0.4])


def test_work_within_work_has_its_share():
    seen, now = [], [0.0]
    reporter = Reporter(seen.append, clock=lambda: now[0])
    reporter.begin("Searching", 0.5, 0.9)
    reporter.narrow(0.5, 0.75, "try 2")
    now[0] += 1
    reporter.advance(0.5, "slice 6 of 10")
    assert (seen[-1].message, seen[-1].fraction) == ("Searching: try 2, slice 6 of 10", 0.75)
    reporter.begin("Searching again", 0.9, 1.0)  # not a part any more
    now[0] += 1
    reporter.advance(0.5, "slice 1 of 2")
    assert (seen[-1].message, seen[-1].fraction) == ("Searching again: slice 1 of 2", 0.95)


def test_a_word_on_what_is_done_is_a_chance_to_stop():
    token = CancelToken()
    reporter = Reporter(lambda event: token.cancel(), token)
    with pytest.raises(Cancelled):
        reporter.begin("Encoding", 0.0, 1.0)
    with pytest.raises(Cancelled):
        Reporter(None, token).advance(0.5, "slice 1")


def test_reporter_without_callback_or_token_does_nothing():
    reporter = Reporter()
    reporter.report("read", "Read it", 0.5)
    reporter.check()


def test_cancel_raises_at_the_next_check_and_after_the_next_report():
    seen, token = [], CancelToken()
    reporter = Reporter(seen.append, token)
    reporter.check()
    assert not token.cancelled
    token.cancel()
    assert token.cancelled
    with pytest.raises(Cancelled, match="nothing was written"):
        reporter.check()
    with pytest.raises(Cancelled):
        reporter.report("chunk", "Chunk 1", 0.5)
    assert [event.step for event in seen] == ["chunk"]  # what was done is still told


def test_a_callback_may_cancel_the_run_it_is_told_about():
    token = CancelToken()
    reporter = Reporter(lambda event: token.cancel(), token)
    with pytest.raises(Cancelled):
        reporter.report("read", "Read it", 0.05)


def test_cancel_from_another_thread_stops_a_loop():
    token, started = CancelToken(), threading.Event()

    def cancel_once_started():
        started.wait()
        token.cancel()

    other = threading.Thread(target=cancel_once_started)
    other.start()
    with pytest.raises(Cancelled):
        for _ in range(10**9):
            started.set()
            token.check()
    other.join()


def test_cancelled_is_an_error_for_the_user():
    assert issubclass(Cancelled, CTCounterfactualError)
