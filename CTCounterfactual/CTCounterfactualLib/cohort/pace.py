"""How fast a cohort goes, and how long it still takes."""

from __future__ import annotations

from collections import deque
from time import monotonic

# The last cases that tell the pace: machines come and go.
WINDOW = 50
_MINUTE, _HOUR = 60.0, 3600.0


class CohortPace:
    """Counts cases that were explained; those that were done before tell nothing of the pace."""

    def __init__(self, now=monotonic):
        self._now = now
        self._ends: deque[float] = deque([now()], maxlen=WINDOW + 1)

    def explained(self) -> None:
        """Count a case that has just been explained, or has failed."""
        self._ends.append(self._now())

    def words(self, left: int) -> str:
        """Return rate and time left in words; empty while there is nothing to tell them by."""
        count = len(self._ends) - 1
        seconds = self._ends[-1] - self._ends[0]
        if not count or seconds <= 0:
            return ""
        each = seconds / count
        span, unit = (_MINUTE, "a minute") if each < _MINUTE else (_HOUR, "an hour")
        rate = f"{span / each:.3g} {unit}"
        return f"{rate}, {in_time(each * left)} left" if left else rate


def in_time(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 12 min, 3.5 h."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"
