"""Lines to a worker, sent without waiting for it: of places only the newest."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import suppress
from typing import IO, Any


class Sender:
    """Sends lines from a thread of its own: a worker that doesn't read can't hold up its owner.

    Parameters
    ----------
    stream : file
        The worker's standard input.
    """

    def __init__(self, stream: IO[bytes]):
        self._stream = stream
        self._move: dict[str, Any] | None = None
        self._others: deque[dict[str, Any]] = deque()
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._send, name="worker wishes", daemon=True).start()

    def move(self, lam: float, planes: list[list[int]]) -> None:
        """Wish to see planes at lambda, in place of whatever isn't sent yet of such wishes."""
        with self._changed:
            self._move = {"do": "move", "lambda": lam, "planes": planes}
            self._changed.notify()

    def keep(self, lam: float, output: str, scan: str = "") -> None:
        """Wish a result in a folder; its record says that the scan is at `scan`."""
        wish = {"do": "keep", "lambda": lam, "output": output, "scan": scan}
        with self._changed:
            self._others.append(wish)
            self._changed.notify()

    def close(self) -> None:
        """Send nothing more; the stream is its owner's to close."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _send(self) -> None:
        with suppress(OSError, ValueError):  # the worker has ended, and with it the pipe
            while (wish := self._next()) is not None:
                self._stream.write(json.dumps(wish).encode() + b"\n")
                self._stream.flush()

    def _next(self) -> dict[str, Any] | None:
        with self._changed:
            while not (self._ended or self._others or self._move):
                self._changed.wait()
            if self._ended:
                return None
            if self._others:
                return self._others.popleft()
            wish, self._move = self._move, None
            return wish
