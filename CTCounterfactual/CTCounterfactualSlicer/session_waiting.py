"""Waiting for what a session does, as the console does; and its ways of failing, as errors."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from CTCounterfactualLib.errors import Cancelled, CTCounterfactualError
from CTCounterfactualLib.events import Event
from CTCounterfactualLib.jobs.outcome import FAILED, WorkerOutcome

from .node_job import WAIT_STEP_S, JobError


class Waiting(ABC):
    """What is polled until something is so.

    Attributes
    ----------
    outcome : WorkerOutcome or None
        How it ended.
    """

    outcome: WorkerOutcome | None
    _refused: Event | None
    _pump: Callable[[], None] | None

    @abstractmethod
    def poll(self) -> bool:
        """Handle what has come; True while it lives."""

    def _wait(self, wanted: Callable[[], bool]) -> None:
        while not wanted():
            if not self.poll():
                raise self._ending()
            if self._refused is not None:
                advice = self._refused.data.get("advice", "")
                raise CTCounterfactualError(f"{self._refused.message} {advice}".strip())
            if self._pump is not None:
                self._pump()
            time.sleep(WAIT_STEP_S)

    def _ending(self) -> CTCounterfactualError:
        """Return how the session ended, as an error."""
        assert self.outcome is not None
        failed = self.outcome.kind == FAILED
        return JobError(self.outcome) if failed else Cancelled(self.outcome.message)
