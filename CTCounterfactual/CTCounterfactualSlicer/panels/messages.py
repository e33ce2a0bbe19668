"""Errors in words under the Apply button, where the user looks; what was recorded on request."""

from __future__ import annotations

import html
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.errors import Cancelled, CTCounterfactualError, worded_for
from CTCounterfactualLib.wording import Place

from .panel import Panel
from .texts import breakable


class MessagesPanel(Panel):
    """One message at a time; empty and invisible when there is nothing to say."""

    def setup(self) -> None:
        """Start without a message."""
        self._plain = ""
        self._details = ""
        self.ui.messageCopyButton.connect("clicked()", self._copy)
        self.ui.messageCloseButton.connect("clicked()", self.clear)
        self.clear()

    def clear(self) -> None:
        """Take the message away."""
        self._plain = self._details = ""
        self.ui.messageLabel.text = ""
        self.ui.messageFrame.visible = False

    def show_error(self, message: str, advice: str = "", details: str = "") -> None:
        """Show what went wrong and what to do.

        Parameters
        ----------
        message, advice : str
            What and why; what to do.
        details : str
            A traceback or the worker's last words, folded away.
        """
        logging.error("CT Counterfactual: %s %s", message, advice)
        if details:
            logging.debug(details)
        self._show(_("Error"), message, advice, details)

    def show_note(self, message: str) -> None:
        """Show something that is no error."""
        self._show("", message, "", "")

    @contextmanager
    def guard(self, doing: str) -> Iterator[None]:
        """Turn any exception of the block into a message; nothing is raised.

        Parameters
        ----------
        doing : str
            What failed, if an exception comes unexpected: "The animation could not be made".
        """
        try:
            with worded_for(Place.PANEL):
                yield
        except Cancelled:
            pass
        except CTCounterfactualError as error:
            self.show_error(str(error), error.advice, getattr(error, "details", ""))
        except Exception as error:
            self.show_error(f"{doing}: {error}", details=traceback.format_exc())

    def _show(self, title: str, message: str, advice: str, details: str) -> None:
        texts = [text for text in (message, advice) if text]
        heading = f"<b>{html.escape(title)}</b><br>" if title else ""
        self._plain = "\n".join(texts)
        self._details = details
        # Escaped: names of scans and files may hold anything.
        self.ui.messageLabel.text = heading + "<br>".join(
            html.escape(breakable(text)).replace("\n", "<br>") for text in texts
        )
        self.ui.messageDetailsText.plainText = details
        self.ui.messageDetailsButton.visible = bool(details)
        self.ui.messageDetailsButton.checked = False
        self.ui.messageDetailsText.visible = False
        self.ui.messageFrame.visible = True

    def _copy(self) -> None:
        slicer.app.clipboard().setText(f"{self._plain}\n\n{self._details}".strip())
