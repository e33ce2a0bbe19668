"""One state, its allowed changes, and those who listen."""

import pytest

from CTCounterfactualSlicer.state import ALLOWED, State, StateMachine


def go(*states: State) -> StateMachine:
    machine = StateMachine()
    for state in states:
        machine.to(state)
    return machine


def test_a_first_run_installs_then_computes_then_is_done():
    machine = go(State.INSTALLING, State.RUNNING, State.DONE)
    assert machine.state is State.DONE
    assert not machine.busy


def test_a_cancelled_run_ends_idle():
    assert go(State.RUNNING, State.CANCELLING, State.IDLE).state is State.IDLE


def test_only_a_run_can_be_cancelled():
    for start in ((), (State.INSTALLING,), (State.RUNNING, State.DONE), (State.FAILED,)):
        machine = go(*start)
        with pytest.raises(RuntimeError, match="cancelling cannot follow"):
            machine.to(State.CANCELLING)


def test_a_cancelled_run_never_becomes_done():
    machine = go(State.RUNNING, State.CANCELLING)
    with pytest.raises(RuntimeError, match="done cannot follow cancelling"):
        machine.to(State.DONE)


def test_every_state_but_a_busy_one_lets_a_run_start():
    for state, following in ALLOWED.items():
        may_run = state in (State.IDLE, State.INSTALLING, State.DONE, State.FAILED)
        assert (State.RUNNING in following) == may_run


def test_busy_are_exactly_the_states_that_have_to_end():
    busy = {state for state in State if state.busy}
    assert busy == {State.INSTALLING, State.RUNNING, State.CANCELLING}


def test_listeners_hear_each_change_once_until_they_stop():
    machine, heard = StateMachine(), []
    stop = machine.listen(lambda old, new: heard.append((old.value, new.value)))
    machine.to(State.RUNNING)
    machine.to(State.RUNNING)
    machine.to(State.FAILED)
    stop()
    stop()
    machine.to(State.IDLE)
    assert heard == [("idle", "running"), ("running", "failed")]


def test_a_listener_may_stop_itself_while_it_is_called():
    machine, heard = StateMachine(), []
    stops = []

    def once(old, new):
        heard.append("once")
        stops[0]()

    stops.append(machine.listen(once))
    machine.listen(lambda old, new: heard.append("always"))
    machine.to(State.RUNNING)
    machine.to(State.DONE)
    assert heard == ["once", "always", "always"]
