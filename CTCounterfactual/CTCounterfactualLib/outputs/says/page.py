"""What a result says as a section of its report."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .sentences import Section


def section(parts: Iterable[Section]) -> str:
    """Return the sections as HTML; all of it is escaped."""
    blocks = "".join(
        f"<div><h3>{escape(part.title)}</h3><ul>"
        + "".join(f"<li>{escape(sentence)}</li>" for sentence in part.sentences)
        + "</ul></div>"
        for part in parts
    )
    return f'<section class="says"><h2>What this says</h2><div>{blocks}</div></section>'
