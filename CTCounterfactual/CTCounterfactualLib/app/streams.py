"""Standard output and error that may be closed, full or unread: a result is never lost for them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import OutputError
from ..storage.names import reason

_STANDARD = (0, 1, 2)


class ReaderGone(Exception):
    """Whoever read standard output has had enough, as in `... | head`."""


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Give the program streams that raise only where something asked for can't be said.

    What is written to `sys.stdout` raises `ReaderGone`, or `OutputError` if it is closed or the
    disk is full. What is written to `sys.stderr` never raises. Characters that the terminal's
    encoding lacks, or that aren't whole, are written as escapes.
    """
    _keep_numbers()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = StandardOutput(before[0]), StandardError(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Guarded:
    """A text stream, or None; everything but writing is the stream's own."""

    def __init__(self, stream: Any):
        self._stream = stream
        self._silent = stream is None
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def _say(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _mute(self) -> None:
        """Let what is left in the buffer go nowhere: Python complains of it at its own end."""
        self._silent = True
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


class StandardOutput(_Guarded):
    """Standard output: what was asked for."""

    def write(self, text: str) -> int:
        """Write and flush."""
        if self._stream is None:
            raise OutputError("Standard output is closed; nothing can be shown. Open it again.")
        if self._silent:
            raise ReaderGone
        try:
            self._say(text)
        except BrokenPipeError:
            self._mute()
            raise ReaderGone from None
        except OSError as error:
            self._mute()
            raise OutputError(
                f"Cannot write to standard output: {reason(error)}. Send it elsewhere."
            ) from error
        return len(text)

    def flush(self) -> None:
        """Do nothing: each write is flushed."""


class StandardError(_Guarded):
    """Standard error: progress, warnings, errors; the exit code says the main thing."""

    def __init__(self, stream: Any):
        super().__init__(stream)
        self._passing = 0  # letters of the line that the next text takes the place of

    def write(self, text: str) -> int:
        """Write and flush; if that fails, nothing further is tried."""
        self._try(self._wiped() + text)
        return len(text)

    def show(self, line: str) -> None:
        """Show a line until anything else is written: what a terminal alone can do."""
        width = shutil.get_terminal_size().columns - 1  # the last column would begin a new line
        shown = line[:width]
        self._try(f"{self._wiped()}{shown}")
        self._passing = len(shown)

    def _wiped(self) -> str:
        """Return what takes the passing line away, without escape codes."""
        passing, self._passing = self._passing, 0
        return f"\r{' ' * passing}\r" if passing else ""

    def _try(self, text: str) -> None:
        if not self._silent:
            try:
                self._say(text)
            except (OSError, ValueError):
                self._mute()

    def flush(self) -> None:
        """Do nothing: each write is flushed."""


def _keep_numbers() -> None:
    """Occupy 0, 1 and 2 where they are closed: else a file of ours gets the number of one.

    Libraries in C write their complaints to number 2, whatever it is.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                opened = os.open(os.devnull, os.O_RDWR)
                if opened != number:
                    os.dup2(opened, number)
                    os.close(opened)
