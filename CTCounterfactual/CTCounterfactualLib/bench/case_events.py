"""Events of one case as a part of a whole run's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..events import Event, ProgressCallback, Reporter


@dataclass(frozen=True)
class CaseEvents:
    """Hands on a case's events, named by it, at their place in the run.

    Parameters
    ----------
    reporter : Reporter
        The run's.
    progress : callable or None
        What the run's events go to.
    case : str
        Begins each message.
    start, share : float
        Where the case begins, and how much of the run it is, 0..1.
    """

    reporter: Reporter
    progress: ProgressCallback | None
    case: str
    start: float
    share: float

    @property
    def end(self) -> float:
        """Where the case ends, 0..1."""
        return self.start + self.share

    def half(self, second: bool) -> CaseEvents:
        """Return the first or the second half of this part."""
        share = self.share / 2
        return replace(self, start=self.start + share * second, share=share)

    def __call__(self, event: Event) -> None:
        """Hand an event on."""
        if self.progress is not None:
            fraction = min(self.start + self.share * event.fraction, 1.0)
            self.progress(Event(event.step, f"{self.case}: {event.message}", fraction, event.data))

    def report(self, step: str, message: str, fraction: float) -> None:
        """Report a step of the case's own; raise `Cancelled` if the run is to stop."""
        self.reporter.report(step, f"{self.case}: {message}", self.start + self.share * fraction)
