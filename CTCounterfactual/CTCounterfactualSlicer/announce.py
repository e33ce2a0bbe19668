"""Results of this session, told to whoever shows them: also those that the console made."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .result import AnyResult

logger = logging.getLogger(__name__)
_listeners: list[Callable[[AnyResult], None]] = []


def listen(listener: Callable[[AnyResult], None]) -> Callable[[], None]:
    """Call `listener(result)` for each result that comes into a scene; returns what ends that."""
    _listeners.append(listener)

    def stop() -> None:
        if listener in _listeners:
            _listeners.remove(listener)

    return stop


def announce(result: AnyResult) -> None:
    """Tell of a result; a mistake of who listens is logged and never reaches who computed it."""
    for listener in tuple(_listeners):
        try:
            listener(result)
        except Exception:
            logger.exception("A result could not be shown")
