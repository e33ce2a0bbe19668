"""A live lambda: a slider that moves the change, and views, score and marks that follow."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from CTCounterfactualLib.events import Event
from CTCounterfactualLib.jobs.outcome import FAILED
from CTCounterfactualLib.methods.registry import LATENT_SHIFT
from CTCounterfactualLib.models.entry import READY
from CTCounterfactualLib.wording import Place

from ..node_session import NodeSession
from ..own_models import CONSENT_NEEDED
from ..session_state import Phase, SessionPoint
from ..sessions import start_session
from . import session_texts
from .panel import Panel
from .parameters import keywords_of

PERCENT = 100.0


class SessionPanel(Panel):
    """Prepares a session, moves its lambda, keeps what is shown; ends it with the scene."""

    def setup(self) -> None:
        """Connect slider and buttons."""
        self._session: NodeSession | None = None
        self._step = ""
        self._score: float | None = None  # of the scan
        self._limits: dict[str, dict[str, Any] | None] = {}
        self._flips: dict[str, dict[str, Any] | None] = {}
        self._drawn_at: float | None = None
        self._placing = False
        self.ui.sessionButton.connect("clicked()", self._prepare_or_end)
        self.ui.sessionKeepButton.connect("clicked()", self._keep)
        self.ui.sessionSlider.connect("valueChanged(double)", self._moved)

    def cleanup(self) -> None:
        """End a session."""
        if self._session is not None:
            self._session.close()

    def workplaces(self) -> list:
        """Return the folders that a session needs."""
        return [] if self._session is None else self._session.workplaces()

    def refresh(self) -> None:
        """Draw what the session is doing, and where lambda is."""
        session, parameters = self._session, self.host.parameterNode
        alive = session is not None
        ready = session is not None and session.phase is Phase.READY
        moved = session is not None and session.lam != 0
        can = parameters is not None and parameters.inputVolume is not None
        latent = can and parameters.method == LATENT_SHIFT
        self.ui.sessionButton.text = _("End") if alive else _("Prepare")
        self.ui.sessionButton.toolTip = session_texts.button_tip(alive, can, latent)
        self.ui.sessionButton.enabled = alive or (latent and not self.host.machine.busy)
        self.ui.sessionSlider.enabled = ready
        self.ui.sessionKeepButton.enabled = ready and moved
        self.ui.sessionScoreLabel.text = self._score_text() if alive else ""
        self.ui.sessionMarksLabel.text = self._marks_text() if alive else ""
        self.ui.sessionLabel.text = self._step if alive else session_texts.about()

    def _prepare_or_end(self) -> None:
        if self._session is not None:
            self._session.close()
        else:
            self._prepare()
        self.refresh()

    def _prepare(self) -> None:
        messages, parameters = self.host.messages, self.host.parameterNode
        messages.clear()
        with messages.guard(_("The session could not be started")):
            keywords = keywords_of(parameters)
            wanted = [keywords["classifier"], keywords["autoencoder"]]
            if not self.host.models.ensure_ready(wanted, (READY,)):
                return
            if not self.host.maintenance.ensure_packages():
                return
            self._limits, self._flips, self._score, self._drawn_at = {}, {}, None, None
            self._step = _("Preparing...")
            self._place(0.0)
            session = start_session(
                parameters.inputVolume,
                onEvent=self._on_event,
                onKept=self._on_kept,
                onEnded=self._on_ended,
                place=Place.PANEL,
                **keywords,
            )
            self._session = None if session.finished else session

    def _moved(self, percent: float) -> None:
        if self._placing or self._session is None:
            return
        self._session.move(self._lam_at(percent))
        self.refresh()

    def _keep(self) -> None:
        if self._session is None:
            return
        self.host.messages.clear()
        with self.host.messages.guard(_("The result could not be kept")):
            self._session.keep_soon()
            self._step = _("Writing the result...")
        self.refresh()

    def _on_event(self, event: Event) -> None:
        data = event.data
        if event.step == "ready":
            self._score = data["score"]
            self._limits[data["direction"]] = data["limit"]
        elif event.step == "marks":
            self._limits[data["direction"]] = data["limit"]
            self._flips[data["direction"]] = data["flip"]
            self._follow_scale()
        elif event.step == "plane":
            self._drawn_at = data["lambda"]
        elif event.step == "refused":
            self.host.messages.show_error(event.message, data.get("advice", ""))
        if event.step == "turning":
            self._step = event.message
        elif event.step in ("ready", "plane", "kept", "refused"):
            self._step = session_texts.ready(self._session)
        elif self._session is None or self._session.phase is not Phase.READY:
            self._step = f"{event.fraction:.0%} {event.message}"
        self.refresh()

    def _on_kept(self, result) -> None:
        self.host.results.add(result)
        self.refresh()

    def _on_ended(self, session: NodeSession) -> None:
        outcome = session.outcome
        assert outcome is not None
        self._session = None
        self._place(0.0)
        if outcome.error == CONSENT_NEEDED:
            if self.host.models.consent(outcome.data):
                self._prepare()
        elif outcome.kind == FAILED:
            self.host.messages.show_error(outcome.message, outcome.advice, outcome.details)
        else:
            self.host.messages.show_note(outcome.message)
        self.refresh()

    def _lam_at(self, percent: float) -> float:
        """Return lambda at a place of the slider: percent of the change limit's."""
        return percent / PERCENT * abs(self._reach(percent))

    def _reach(self, way: float) -> float:
        """Return lambda at the change limit of a side; of one that isn't known yet the other's."""
        sides = [mark["lam"] for mark in self._limits.values() if mark is not None]
        own = [lam for lam in sides if lam * way > 0]
        return next(iter(own or sides), 0.0)

    def _follow_scale(self) -> None:
        """Move the handle to where lambda is on a scale that is better known now."""
        session = self._session
        if session is not None and session.lam and self._reach(session.lam):
            self._place(PERCENT * session.lam / abs(self._reach(session.lam)))

    def _place(self, percent: float) -> None:
        self._placing = True
        try:
            self.ui.sessionSlider.value = percent
        finally:
            self._placing = False

    def _score_text(self) -> str:
        session = self._session
        if session is None or session.phase is Phase.PREPARING:
            return ""
        point: SessionPoint | None = session.point
        at = point is not None and point.lam == session.lam
        if not at and session.lam == 0:
            point, at = SessionPoint(0.0, self._score or 0.0, 0.0), True
        return session_texts.score(
            point if at else None, session.ready, shown=self._drawn_at == session.lam
        )

    def _marks_text(self) -> str:
        session = self._session
        if session is None or session.phase is Phase.PREPARING:
            return ""
        return session_texts.marks(self._limits, self._flips, session.ready)
