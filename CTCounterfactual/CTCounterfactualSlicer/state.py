"""What the module is doing, kept in one place and said to whoever listens."""

from __future__ import annotations

import enum
from collections.abc import Callable


class State(enum.Enum):
    """What the module is doing."""

    IDLE = "idle"
    INSTALLING = "installing"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"

    @property
    def busy(self) -> bool:
        """Whether something goes on that has to end before anything else may start."""
        return self in (State.INSTALLING, State.RUNNING, State.CANCELLING)


_RESTING = {State.IDLE, State.INSTALLING, State.RUNNING}
# From each state, those that may follow. A state may always follow itself: that changes nothing.
ALLOWED: dict[State, set[State]] = {
    State.IDLE: {State.INSTALLING, State.RUNNING, State.FAILED},
    State.INSTALLING: {State.IDLE, State.RUNNING, State.FAILED},
    State.RUNNING: {State.CANCELLING, State.DONE, State.FAILED, State.IDLE},
    State.CANCELLING: {State.IDLE, State.FAILED},
    State.DONE: {*_RESTING, State.FAILED},
    State.FAILED: {*_RESTING},
}

Listener = Callable[[State, State], None]


class StateMachine:
    """One state and its listeners.

    A job that is cancelled, or whose scene is closed, ends in `IDLE`: nothing is left of it.
    """

    def __init__(self) -> None:
        self._state = State.IDLE
        self._listeners: list[Listener] = []

    @property
    def state(self) -> State:
        """The state now."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether something goes on; see `State.busy`."""
        return self._state.busy

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(old, new)` on each change; returns a function that ends that."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def to(self, state: State) -> None:
        """Go to a state and tell the listeners; the state it is in already is no change.

        Raises
        ------
        RuntimeError
            If that state may not follow the present one: a mistake in the module, not of the user.
        """
        old = self._state
        if state is old:
            return
        if state not in ALLOWED[old]:
            raise RuntimeError(f"State {state.value} cannot follow {old.value}.")
        self._state = state
        for listener in tuple(self._listeners):
            listener(old, state)
