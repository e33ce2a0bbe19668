"""What the engine tells while it works, and how it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import Cancelled
from .wording import worded


@dataclass(frozen=True)
class Event:
    """One step of a run, for a progress bar, a log or a table.

    Parameters
    ----------
    step : str
        What happened: `recovered` (what a killed run had left), `read`, `prepared`, `encoded`,
        `gradient`, `whole`, `chunk`, `frame`, `scored`, `written` (an explanation), or another
        verb's own steps.
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

    def __init__(self, callback: ProgressCallback | None = None, cancel: CancelToken | None = None):
        self._callback = callback
        self._cancel = cancel or CancelToken()
        self._fraction = 0.0

    def check(self) -> None:
        """Raise `Cancelled` if the user asked to stop."""
        self._cancel.check()

    def report(self, step: str, message: str, fraction: float, **data: Any) -> None:
        """Send an event, then check for a cancel."""
        self._fraction = max(self._fraction, min(fraction, 1.0))
        if self._callback is not None:
            self._callback(Event(step, message, self._fraction, data))
        self.check()
