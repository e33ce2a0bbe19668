"""The steps of a run: what their events are called, and how much of the run they take."""

from __future__ import annotations

from dataclasses import dataclass

from ..events import Reporter


@dataclass(frozen=True)
class Step:
    """A step of a run.

    Parameters
    ----------
    name : str
        Of its events.
    begin, end : float
        Shares of a run's time when it begins and ends; for the progress bar only.
    """

    name: str
    begin: float
    end: float

    def at(self, part: float) -> float:
        """Return the share of a run's time when a part (0..1) of this step is done."""
        return self.begin + (self.end - self.begin) * part

    def work(self, reporter: Reporter | None, message: str) -> None:
        """Say that this step is being done now."""
        if reporter is not None:
            reporter.begin(message, self.begin, self.end)


# Shares as measured on full chests.
READ = Step("read", 0.0, 0.05)
PREPARED = Step("prepared", READ.end, 0.10)
ENCODED = Step("encoded", PREPARED.end, 0.20)
GRADIENT = Step("gradient", ENCODED.end, 0.32)
# What the gradient consists of; the last two only where the run chooses where to move.
SCORE_GRADIENT = Step("gradient", GRADIENT.begin, 0.22)
PULLED_BACK = Step("gradient", SCORE_GRADIENT.end, 0.27)
FOCUS = Step("gradient", PULLED_BACK.end, 0.29)
FOCUSED = Step("gradient", FOCUS.end, GRADIENT.end)
REGION = Step("region", GRADIENT.end, GRADIENT.end)
# All searches together, the whole volume's and the chunks', share one part of a run.
WHOLE = Step("whole", GRADIENT.end, 0.85)
CHUNK = Step("chunk", WHOLE.begin, WHOLE.end)
CONTROL = Step("control", CHUNK.end, CHUNK.end)
FRAME = Step("frame", CHUNK.end, 0.95)
SCORED = Step("scored", FRAME.end, 0.98)
# Share of what is left of a search that another try takes: nobody knows how many there will be, 3
# or 4 as a rule by the adaptive search, dozens up the paper's ladder.
LEFT_AFTER_TRY = {"adaptive": 2 / 3, "reference": 0.95}


def searched(search: str, tries: int) -> float:
    """Return how much of a search is done after so many evaluations, 0..1, never quite 1."""
    return 1 - LEFT_AFTER_TRY[search] ** tries
