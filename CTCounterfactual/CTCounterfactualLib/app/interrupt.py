"""Ctrl-C, termination and the parent's end as a cancel: the run stops soon and cleans up."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import Cancelled
from ..events import CancelToken
from ..storage.folder import release_all
from .failures import EXIT_CANCELLED

READ_BYTES = 4096
# From the request to stop that isn't the first, or from the parent's end, until the process ends
# whatever it is doing: a model that hangs can't be asked.
SIGNAL_GRACE_S = 3.0
PARENT_GRACE_S = 10.0
# Signals that ask to stop, where the system has them. A hangup that `nohup` ignores stays ignored.
_ASKING = ("SIGINT", "SIGTERM", "SIGHUP")


class _SignalToken(CancelToken):
    """A token that knows whether its run is over."""

    def __init__(self) -> None:
        super().__init__()
        self.finished = threading.Event()

    def end_after(self, seconds: float) -> None:
        """End the process after so many seconds, unless the run is over by then."""
        if not self.finished.wait(seconds):
            _end_now()


@contextmanager
def cancel_on_signal() -> Iterator[CancelToken]:
    """Yield a token that SIGINT, SIGTERM and SIGHUP set; the former handlers return at the end.

    A second signal interrupts at once what Python runs; and `SIGNAL_GRACE_S` later, or at a
    third one, the process ends, even from within a library's code that never returns. What was
    being written is removed in each case.
    """
    token = _SignalToken()
    # Not the token itself: who cancels by another way and then signals has asked once.
    signalled: list[int] = []

    def handle(number, frame):
        signalled.append(number)
        token.cancel()
        if len(signalled) == 2:  # only once: the clearing away must come to its end
            raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in _ASKING if hasattr(signal, name)]
    before = {
        number: signal.signal(number, handle)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT
    }
    try:
        with _watched(set(before), token):
            yield token
    finally:
        token.finished.set()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _watched(numbers: set[int], token: _SignalToken) -> Iterator[None]:
    """Count signals in a thread too: Python's own handlers wait until a library's code returns."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def count() -> None:
        seen = 0
        with suppress(OSError):
            while bytes_ := reader.recv(READ_BYTES):
                seen += sum(number in numbers for number in bytes_)
                if seen:
                    token.cancel()
                if seen == 2:
                    threading.Thread(
                        target=token.end_after, args=(SIGNAL_GRACE_S,), daemon=True
                    ).start()
                elif seen > 2 and not token.finished.is_set():
                    _end_now()

    thread = threading.Thread(target=count, name="signal watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writer.close()
        thread.join()
        reader.close()


def cancel_when_stdin_ends(token: CancelToken) -> None:
    """Set the token as soon as standard input ends, as it does when the parent process dies.

    The same on every system, Windows too, where a process gets no signal to clean up. If the run
    hasn't ended `PARENT_GRACE_S` later, the process ends.
    """

    def wait() -> None:
        # Not sys.stdin.read: at the program's end it would hold a lock that Python wants then.
        with suppress(OSError):
            while os.read(descriptor, READ_BYTES):
                pass
        token.cancel()
        end_with_parent(token)

    descriptor = sys.stdin.fileno()
    threading.Thread(target=wait, name="parent watch", daemon=True).start()


def end_with_parent(token: CancelToken) -> None:
    """End the process if its run hasn't ended `PARENT_GRACE_S` from now: its parent has gone."""
    if isinstance(token, _SignalToken):
        token.end_after(PARENT_GRACE_S)


def _end_now() -> None:
    """End the process here and now; what it has staged is removed before."""
    staged = release_all()
    sys.stderr.write(f"{Cancelled() if staged else 'Cancelled: ended at once.'}\n")
    os._exit(EXIT_CANCELLED)
