"""Ctrl-C and termination as a cancel: the run stops between two slices and cleans up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from ..events import CancelToken


@contextmanager
def cancel_on_signal() -> Iterator[CancelToken]:
    """Yield a token that SIGINT and SIGTERM set; the former handlers come back at the end.

    A second SIGINT interrupts at once.
    """
    token = CancelToken()

    def handle(number, frame):
        if token.cancelled:
            raise KeyboardInterrupt
        token.cancel()

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield token
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
