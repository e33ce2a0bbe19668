"""Section "What this says": the result that is shown, in plain sentences."""

from __future__ import annotations

import html

from ..says import says_of
from .panel import Panel


class SaysPanel(Panel):
    """Shows the sentences; they were made where the result was."""

    def setup(self) -> None:
        """Start without a text."""
        self._text = ""

    def refresh(self) -> None:
        """Show what the result says that is shown now."""
        shown = self.host.shown
        text = ""
        if shown is not None and shown.usable and shown.nodes is not None:
            folder = None if shown.result is None else shown.result.folder
            text = says_of(shown.nodes.main, folder)
        self.ui.saysCollapsibleButton.visible = bool(text)
        if text != self._text:
            self._text = text
            self.ui.saysLabel.text = as_html(text)


def as_html(text: str) -> str:
    """Return the text with its headings bold and its sentences as lists; all of it is escaped."""
    blocks = []
    for block in text.strip().split("\n\n"):
        head, *lines = block.split("\n")
        items = "".join(f"<li>{html.escape(line.removeprefix('- '))}</li>" for line in lines)
        blocks.append(f"<b>{html.escape(head)}</b>" + (f"<ul>{items}</ul>" if items else "<br>"))
    return "".join(blocks)
