"""What the section of the live lambda says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

from CTCounterfactualLib.counterfactual.direction import DIRECTIONS
from CTCounterfactualLib.time_left import MINUTE_S

from ..session_state import SessionPoint
from . import texts

PERCENT = 100.0
Marks = Mapping[str, Mapping[str, Any] | None]


def about() -> str:
    """Say what the section is for."""
    return _("Prepare the scan, then move the slider: the views follow.")


def button_tip(alive: bool, can: bool, latent: bool) -> str:
    """Say what the button does, or why it can't."""
    if alive:
        return _("End the session; results that were kept stay.")
    if not can:
        return _("Select a CT scan first.")
    if not latent:
        return _("The slider moves what Latent Shift changes: choose that method.")
    return _("Encode the scan and take the gradient, so that the change can be moved by hand.")


def ready(session) -> str:
    """Say what a session takes and when it ends."""
    if session is None or not session.ready:
        return ""
    return _(
        "{name} is ready. Takes {size} of memory; ends after {minutes:g} minutes without use."
    ).format(
        name=session.nodes.volume.GetName(),
        size=texts.megabytes(session.ready["memory_mb"]),
        minutes=session.ready["idle_s"] / MINUTE_S,
    )


def score(point: SessionPoint | None, told: Mapping[str, Any], shown: bool) -> str:
    """Return score and change where lambda is, or what is being done for it."""
    of_scan = texts.score_with_logit(told["score"], told["unit"])
    if point is None:
        doing = _("score being computed") if shown else _("being drawn")
        return _("{doing} ... (scan: {score})").format(doing=doing, score=of_scan)
    return _("Score {score} (scan: {of_scan}), {change:.2f} % changed").format(
        score=texts.score_with_logit(point.score, told["unit"]),
        of_scan=of_scan,
        change=point.change_percent,
    )


def marks(limits: Marks, flips: Marks, told: Mapping[str, Any]) -> str:
    """Say where the change limit lies, 100 % of the slider, and where the decision changes."""
    if limits and not any(limits.values()):
        return _("The classifier doesn't react to this scan: there is nothing to move.")
    lines = [
        _("100 % is the change limit: {limit:.3g} % of the image.").format(
            limit=PERCENT * told["max_change"]
        )
    ]
    for direction in DIRECTIONS:
        limit, flip = limits.get(direction), flips.get(direction)
        if limit is not None and not limit["measured"]:
            name = _("down") if direction == DIRECTIONS[0] else _("up")
            lines.append(_("The limit {name} isn't measured, or isn't reached.").format(name=name))
        if limit is not None and flip is not None:
            at = PERCENT * flip["lam"] / abs(limit["lam"])
            lines.append(_("The decision changes at {at:.0f} %.").format(at=at))
    looked = bool(flips)
    if told["threshold"] is not None and looked and not any(flips.values()):
        lines.append(_("The decision doesn't change as far as was looked."))
    return " ".join(lines)
