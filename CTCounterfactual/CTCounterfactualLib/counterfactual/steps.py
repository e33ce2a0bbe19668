"""The steps of a run: what their events are called, and how much of the run they take."""

from __future__ import annotations

from dataclasses import dataclass


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


# Shares as measured on full chests.
READ = Step("read", 0.0, 0.05)
PREPARED = Step("prepared", READ.end, 0.10)
ENCODED = Step("encoded", PREPARED.end, 0.20)
GRADIENT = Step("gradient", ENCODED.end, 0.32)
REGION = Step("region", GRADIENT.end, GRADIENT.end)
# All searches together, the whole volume's and the chunks', share one part of a run.
WHOLE = Step("whole", GRADIENT.end, 0.85)
CHUNK = Step("chunk", WHOLE.begin, WHOLE.end)
CONTROL = Step("control", CHUNK.end, CHUNK.end)
FRAME = Step("frame", CHUNK.end, 0.95)
SCORED = Step("scored", FRAME.end, 0.98)
