"""How events are shown: lines of text, JSON lines, or nothing."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from time import monotonic

from ..errors import OutputError
from ..events import Event, ProgressCallback
from .streams import ReaderGone

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
    """One line an event on stderr, with percent done and seconds since the start."""

    def __init__(self) -> None:
        self._started = monotonic()

    def __call__(self, event: Event) -> None:
        seconds = monotonic() - self._started
        sys.stderr.write(f"[{event.fraction:4.0%} {seconds:6.1f} s] {event.message}\n")


def _json_line(event: Event) -> None:
    # Whoever read it may have gone: the result doesn't wait for a reader. A parent's end is told
    # by --parent-stdin.
    with suppress(ReaderGone, OutputError):
        sys.stdout.write(json.dumps(event.to_dict(), allow_nan=False) + "\n")
