"""What the engine tells while it works, and how it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from .errors import Cancelled
from .wording import worded

# The step of events that tell what is being done now; all others tell what is done.
WORKING = "working"
# Seconds between two of them: enough for a bar that moves, few enough for a pipe.
QUIET_S = 0.25


@dataclass(frozen=True)
class Event:
    """One step of a run, for a progress bar, a log or a table.

    Parameters
    ----------
    step : str
        What happened: `recovered` (what a killed run had left), `read`, `prepared`, `encoded`,
        `gradient`, `whole`, `chunk`, `frame`, `scored`, `written` (an explanation), or another
        verb's own steps; on another computer also `packing`, `connecting`, `connected`, `sent` and
        `received`. Between them any number of `working`: what is being done now.
    message : str
        The same in words for a person.
    fraction : float
        How much of the whole run is done, 0..1; never decreases.
    data : dict
        Plain JSON values of this step (a chunk's number, score, ...).
    """

    step: str
    message: str
    fraction: float
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", worded(self.message))

    def __str__(self) -> str:
        return f"[{self.fraction:4.0%}] {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as `--progress json` writes them, one object a line."""
        return {
            "step": self.step,
            "message": self.message,
            "fraction": round(self.fraction, 4),
            **self.data,
        }


ProgressCallback = Callable[[Event], None]


class CancelToken:
    """A flag that any thread may set; the engine looks at it between short pieces of work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the run to stop at its next check."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if `cancel` was called."""
        if self.cancelled:
            raise Cancelled()


class Reporter:
    """The engine's side of progress and cancel: every report is also a chance to stop."""

    def __init__(
        self,
        callback: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
        clock: Callable[[], float] = monotonic,
    ):
        self._callback = callback
        self._cancel = cancel or CancelToken()
        self._clock = clock
        self._fraction = 0.0
        self._work: tuple[str, float, float] | None = None  # what is done now, from where to where
        self._part = (0.0, 1.0, "")  # of that work, and what is said of it
        self._told = 0.0

    def check(self) -> None:
        """Raise `Cancelled` if the user asked to stop."""
        self._cancel.check()

    def report(self, step: str, message: str, fraction: float, **data: Any) -> None:
        """Send an event, then check for a cancel; what was being done has ended."""
        self._work = None
        self._send(step, message, fraction, data)

    def begin(self, message: str, begin: float, end: float) -> None:
        """Say what is done from now on, and from which to which fraction of the run it will go."""
        self._work, self._part = (message, begin, end), (0.0, 1.0, "")
        self._tell(message, begin)

    def narrow(self, begin: float, end: float, detail: str) -> None:
        """Let `advance` speak of a part of the present work, from 0..1 to 0..1, named `detail`."""
        self._part = (begin, end, detail)

    def advance(self, part: float, detail: str) -> None:
        """Say how much of the present work is done, 0..1, if the last word is old enough.

        Parameters
        ----------
        detail : str
            What is done just now: "slice 5 of 120".
        """
        if self._work is None or self._clock() - self._told < QUIET_S:
            self.check()
            return
        message, begin, end = self._work
        low, high, of = self._part
        within = begin + (end - begin) * (low + (high - low) * part)
        self._tell(f"{message}: {', '.join(filter(None, (of, detail)))}", within)

    def _tell(self, message: str, fraction: float) -> None:
        self._told = self._clock()
        self._send(WORKING, message, fraction, {})

    def _send(self, step: str, message: str, fraction: float, data: dict[str, Any]) -> None:
        self._fraction = max(self._fraction, min(fraction, 1.0))
        if self._callback is not None:
            self._callback(Event(step, message, self._fraction, data))
        self.check()
