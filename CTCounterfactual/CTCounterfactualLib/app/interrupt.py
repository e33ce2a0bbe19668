"""Ctrl-C, termination and the parent's end as a cancel: the run stops soon and cleans up."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..events import CancelToken

_READ_BYTES = 4096


@contextmanager
def cancel_on_signal() -> Iterator[CancelToken]:
    """Yield a token that SIGINT and SIGTERM set; the former handlers come back at the end.

    A second signal interrupts at once.
    """
    token = CancelToken()
    # Not the token itself: who cancels by another way and then signals has asked once.
    signalled = threading.Event()

    def handle(number, frame):
        if signalled.is_set():
            raise KeyboardInterrupt
        signalled.set()
        token.cancel()

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield token
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def cancel_when_stdin_ends(token: CancelToken) -> None:
    """Set the token as soon as standard input ends, as it does when the parent process dies.

    The same on every system, Windows too, where a process gets no signal to clean up.
    """

    def wait() -> None:
        # Not sys.stdin.read: at the program's end it would hold a lock that Python wants then.
        with suppress(OSError):
            while os.read(descriptor, _READ_BYTES):
                pass
        token.cancel()

    descriptor = sys.stdin.fileno()
    threading.Thread(target=wait, name="parent watch", daemon=True).start()
