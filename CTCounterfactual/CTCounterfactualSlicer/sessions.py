"""Sessions in Slicer: started with the console's keywords, looked after by a timer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from CTCounterfactualLib.errors import worded_for
from CTCounterfactualLib.events import Event
from CTCounterfactualLib.wording import Place

from .node_session import NodeSession
from .options import Options
from .result import AnyResult
from .timer import JobTimer


def start_session(
    volumeNode,
    *,
    onEvent: Callable[[Event], None] | None = None,
    onKept: Callable[[AnyResult], None] | None = None,
    onEnded: Callable[[NodeSession], None] | None = None,
    place: Place = Place.CONSOLE,
    **keywords: Any,
) -> NodeSession:
    """Begin to prepare a volume, and return its session at once.

    Callbacks are called in the GUI thread; see `NodeSession`. Keywords are those of `explain`.

    Raises
    ------
    SettingsError
        If an option is unknown or not allowed.
    """
    with worded_for(place):
        options = Options.from_keywords(**keywords)
    session = NodeSession(
        slicer.mrmlScene,
        volumeNode,
        options,
        onEvent=onEvent,
        onKept=onKept,
        onEnded=onEnded,
        place=place,
        pump=slicer.app.processEvents,
    )
    session.start()
    if not session.finished:
        JobTimer(session).start()
    return session
