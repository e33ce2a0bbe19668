"""What is wished of a session, a line each: the newest place counts, older ones are dropped.

A line is a JSON object:

    {"do": "move", "lambda": -0.5, "planes": [[0, 30], [1, 100]]}    show planes (axis of the scan's
                                                                     array, number) at a lambda
    {"do": "keep", "lambda": -0.5, "output": "FOLDER"}               write it as a result; "scan":
                                                                     what its record says of that
    {"do": "end"}                                                    end the session
"""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ..errors import Cancelled, SettingsError
from ..events import CancelToken

# Array axes of a scan.
AXES = 3
# Views of one screen; a line that asks for more is a mistake.
MOST_PLANES = 64
# While nothing is wished, a cancel is looked for so often: a signal's handler can't wake a thread.
LOOK_S = 0.25
# Characters of a line that is quoted.
MOST_QUOTED = 80


@dataclass(frozen=True)
class Move:
    """Show planes at a lambda.

    Parameters
    ----------
    planes : tuple of (axis, number)
        Axis of the scan's array (0 is K), and the plane's number along it.
    """

    lam: float
    planes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Keep:
    """Write a lambda's counterfactual as a result folder.

    Parameters
    ----------
    output : str
        The folder; empty: the job's own.
    scan : str
        Where the result's record shall say that the scan is; empty: where it was read.
    """

    lam: float
    output: str = ""
    scan: str = ""


class Superseded(Cancelled):
    """Something newer is wished; what was being done for the older is dropped."""


class Wishes:
    """Wishes that come in from one thread and are granted in another.

    Parameters
    ----------
    cancel : CancelToken
        Set when the session is to end.
    """

    def __init__(self, cancel: CancelToken):
        self.cancel = cancel
        self._move: Move | None = None
        self._keeps: deque[Keep] = deque()
        self._refused: deque[str] = deque()
        self._changed = threading.Condition()

    def take_line(self, line: str) -> None:
        """Take a wish; one that is none is told by `refusals`."""
        try:
            self.take(parse(line))
        except SettingsError as error:
            with self._changed:
                self._refused.append(error.text)
                self._changed.notify_all()

    def take(self, wish: Move | Keep | None) -> None:
        """Take a wish; None ends the session."""
        with self._changed:
            if wish is None:
                self.cancel.cancel()
            elif isinstance(wish, Move):
                self._move = wish
            else:
                self._keeps.append(wish)
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until something is there, or the session is to end; False if time ran out."""
        end = monotonic() + seconds
        with self._changed:
            while not self._anything():
                left = end - monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, LOOK_S))
            return True

    def next(self) -> Move | Keep | None:
        """Return what is wished now, or None: the newest place, what is to be kept before it."""
        with self._changed:
            if self._keeps:
                return self._keeps.popleft()
            move, self._move = self._move, None
            return move

    def refusals(self) -> list[str]:
        """Return what was said of lines that are no wishes, once."""
        with self._changed:
            told, self._refused = list(self._refused), deque()
            return told

    def _anything(self) -> bool:
        there = self._move is not None or bool(self._keeps) or bool(self._refused)
        return there or self.cancel.cancelled


class Attention(CancelToken):
    """The cancel of a session's work: its end, and, where it `yields`, whatever is newly wished."""

    def __init__(self, wishes: Wishes):
        super().__init__()
        self._wishes = wishes
        self.yields = False

    def check(self) -> None:
        """Raise `Cancelled` if the session is to end, `Superseded` if this work is to give way."""
        self._wishes.cancel.check()
        if self.yields and self._wishes.wait(0):
            raise Superseded()


class Lines:
    """Cuts bytes as they come into lines, and hands each on."""

    def __init__(self, take: Callable[[str], None]):
        self._take = take
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take some bytes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            if text:
                self._take(text)


def parse(line: str) -> Move | Keep | None:
    """Return the wish that a line holds; None for the end.

    Raises
    ------
    SettingsError
        If it holds none, saying what is expected.
    """
    try:
        data = json.loads(line)
    except ValueError:
        data = None
    kind = data.get("do") if isinstance(data, dict) else None
    if kind == "end":
        return None
    if kind not in ("move", "keep"):
        raise SettingsError(
            f'A line says {line[:MOST_QUOTED]!r}; {{"do": "move"}}, "keep" or "end" is expected.'
        )
    lam = data.get("lambda")
    if isinstance(lam, bool) or not isinstance(lam, (int, float)) or not math.isfinite(lam):
        raise SettingsError(f'"lambda" is {lam!r}; a number is expected.')
    if kind == "move":
        return Move(float(lam), _planes(data.get("planes", [])))
    places = [data.get(name, "") for name in ("output", "scan")]
    for place in places:
        if not isinstance(place, str):
            raise SettingsError(f"A line gives the path {place!r}; a text is expected.")
    return Keep(float(lam), *places)


def _planes(given: Any) -> tuple[tuple[int, int], ...]:
    fine = isinstance(given, list) and len(given) <= MOST_PLANES
    if not fine or not all(_is_plane(each) for each in given):
        raise SettingsError('"planes" are expected as [[axis, number], ...], axis 0, 1 or 2.')
    return tuple((axis, number) for axis, number in given)


def _is_plane(given: Any) -> bool:
    return (
        isinstance(given, list)
        and len(given) == len(("axis", "number"))
        and all(isinstance(each, int) and not isinstance(each, bool) for each in given)
        and 0 <= given[0] < AXES
    )
