"""A response read in a thread of its own, so that a cancel is heard while nothing comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from time import monotonic
from typing import TYPE_CHECKING

from .network_errors import DownloadFailed, connection_failed
from .response import ask, new_session

if TYPE_CHECKING:
    import requests

BLOCK_BYTES = 1 << 16
# Blocks that wait for the disk at most.
WAITING = 16
# Seconds between two looks at whether to stop.
POLL_S = 0.1
# A server that sends less than a block in this time is given up.
STALLED_S = 60.0

_END = object()


class Stream:
    """One request; a context that lets go of it.

    Parameters
    ----------
    url : str
        What is asked for.
    headers : dict
        Sent along.
    check : callable
        Called again and again while nothing comes; may raise to stop.
    """

    def __init__(self, url: str, headers: dict[str, str], check: Callable[[], None]):
        self._url, self._headers, self._check = url, headers, check
        self._queue: Queue = Queue(WAITING)
        self._stopped = threading.Event()
        self._since = 0.0
        # A daemon: one that waits for a silent server must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="download", daemon=True)

    def __enter__(self) -> Stream:
        self._since = monotonic()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()

    def response(self) -> requests.Response:
        """Return the response, its headers read; raise `DownloadFailed` if none comes."""
        return self._take()

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes of the body as they come; raise `DownloadFailed` if they end early."""
        self._since, come = monotonic(), 0
        while (block := self._take()) is not _END:
            yield block
            come += len(block)
            if come >= BLOCK_BYTES:
                self._since, come = monotonic(), 0

    def _take(self):
        while True:
            if monotonic() - self._since > STALLED_S:
                raise DownloadFailed(self._url, "hardly anything comes any more", True)
            try:
                item = self._queue.get(timeout=POLL_S)
            except Empty:
                self._check()
                continue
            if isinstance(item, Exception):
                raise item
            return item

    def _run(self) -> None:
        try:
            with new_session() as session, ask(session, self._url, self._headers) as response:
                self._give(response)
                for block in response.raw.stream(BLOCK_BYTES, decode_content=False):
                    self._give(block)
                self._give(_END)
        except _Stopped:
            pass
        except DownloadFailed as error:
            self._last(error)
        except Exception as error:  # a hostile response may raise anything in the libraries below
            self._last(connection_failed(self._url, error))

    def _give(self, item: object) -> None:
        while not self._stopped.is_set():
            try:
                return self._queue.put(item, timeout=POLL_S)
            except Full:
                continue
        raise _Stopped

    def _last(self, error: Exception) -> None:
        with suppress(_Stopped):
            self._give(error)


class _Stopped(Exception):
    """Whoever asked has stopped."""
