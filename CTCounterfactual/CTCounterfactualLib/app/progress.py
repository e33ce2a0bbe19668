"""How events are shown: lines of text, JSON lines, or nothing."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from time import monotonic

from ..errors import OutputError
from ..events import WORKING, Event, ProgressCallback
from ..time_left import TimeLeft, duration
from .streams import ReaderGone, StandardError

STYLES = ("text", "json", "none")


def progress_printer(style: str) -> ProgressCallback | None:
    """Return a callback that shows events in a style of `STYLES`."""
    styles: dict[str, ProgressCallback | None] = {
        "text": _TextProgress(),
        "json": _json_line,
        "none": None,
    }
    return styles[style]


class _TextProgress:
    """One line on stderr for each thing done, with percent and seconds since the start.

    On a terminal a last line says what is being done, and about how long it will take.
    """

    def __init__(self) -> None:
        self._started = monotonic()
        self._left = TimeLeft()

    def __call__(self, event: Event) -> None:
        self._left.tell(event.fraction)
        seconds = monotonic() - self._started
        line = f"[{event.fraction:4.0%} {seconds:6.1f} s] {event.message}"
        if event.step != WORKING:
            sys.stderr.write(f"{line}\n")
        elif isinstance(sys.stderr, StandardError) and sys.stderr.isatty():
            left = self._left.seconds
            told = "" if left is None else f" (about {duration(left)} left)"
            sys.stderr.show(line + told)


def _json_line(event: Event) -> None:
    # Whoever read it may have gone: the result doesn't wait for a reader. A parent's end is told
    # by --parent-stdin.
    with suppress(ReaderGone, OutputError):
        sys.stdout.write(json.dumps(event.to_dict(), allow_nan=False) + "\n")
