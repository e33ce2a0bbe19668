"""From the console's keywords to a job; the panel speaks the same keywords."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from CTCounterfactualLib.errors import worded_for
from CTCounterfactualLib.wording import Place

from .node_job import NodeJob
from .options import Options


def make_job(
    scene, volumeNode, keywords: Mapping[str, Any], place: Place = Place.CONSOLE, **how: Any
) -> NodeJob:
    """Return a job, not yet started, for the console's keywords.

    Parameters
    ----------
    keywords : mapping
        As `Options.from_keywords` takes them.
    place : Place
        Where the user reads the messages.
    how
        `onEvent`, `onFinished`, ...; see `NodeJob`.

    Raises
    ------
    SettingsError
        If an option is unknown or not allowed.
    """
    with worded_for(place):
        options = Options.from_keywords(**keywords)
    return NodeJob(scene, volumeNode, options, place=place, **how)
