"""How long a run will still take, guessed from its events; between them the time counts down."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

# Before this much is done, a guess would only jump about.
GUESS_FROM = 0.1
MINUTE_S, HOUR_S = 60, 3600


class TimeLeft:
    """A guess that is renewed only when the run has got further: it never grows by standing still.

    Parameters
    ----------
    clock : callable
        Seconds; the run starts now.
    """

    def __init__(self, clock: Callable[[], float] = monotonic):
        self._clock = clock
        self._started = clock()
        self._fraction = 0.0
        self._end: float | None = None

    def tell(self, fraction: float) -> None:
        """Take note of how much of the run is done, 0..1."""
        if fraction <= self._fraction:
            return
        self._fraction = fraction
        if fraction >= GUESS_FROM:
            now = self._clock()
            self._end = now + (now - self._started) * (1 - fraction) / fraction

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started

    @property
    def seconds(self) -> float | None:
        """Seconds that are left; None while nobody can know, or once the guess has run out."""
        if self._end is None or self._fraction >= 1:
            return None
        left = self._end - self._clock()
        return left if left > 0 else None


def duration(seconds: float) -> str:
    """Return a time as minutes and seconds, "1:05", with hours from one hour on."""
    whole = int(seconds)
    hours, rest = divmod(whole, HOUR_S)
    minutes, left = divmod(rest, MINUTE_S)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
