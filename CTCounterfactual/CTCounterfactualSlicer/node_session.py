"""A session of a volume node: the worker that stays alive, the live volume, what is kept.

As with `node_job`, nothing here draws or waits unless asked to: whoever owns the session calls
`poll` now and then, and callbacks are called inside that.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from CTCounterfactualLib.errors import CTCounterfactualError, worded_for
from CTCounterfactualLib.events import Event
from CTCounterfactualLib.jobs.outcome import CANCELLED, FAILED, WorkerOutcome
from CTCounterfactualLib.jobs.process import WorkerProcess, command_line
from CTCounterfactualLib.jobs.sender import Sender
from CTCounterfactualLib.jobs.workplace import Workplace
from CTCounterfactualLib.wording import Place

from .job_nodes import JobNodes, observe_closing
from .options import Options
from .packages import check_packages
from .python_slicer import python_executable, worker_environment
from .result import AnyResult
from .session_keeping import Keeping
from .session_live import SessionLive
from .session_state import Phase, SessionPoint
from .session_waiting import Waiting

logger = logging.getLogger(__name__)


class NodeSession(Waiting):
    """A volume node whose lambda can be moved, in a worker process that stays alive.

    Parameters
    ----------
    scene, volumeNode
        The scene, and the scan.
    options : Options
        Models, target, settings and region.
    python : str, optional
        Executable that runs the worker; None finds Slicer's.
    onEvent, onKept : callable, optional
        `onEvent(event)` with each `Event` (steps: `CTCounterfactualLib.jobs.serve`), and
        `onKept(result)` with each result that was kept.
    onEnded : callable, optional
        `onEnded(session)`, once, however it ends; `outcome` says why.
    cacheRoot : Path, optional
        Where its files are; None takes the jobs' own place.
    place : Place
        Where the user reads the messages.
    pump : callable, optional
        Called while something is waited for, such as `slicer.app.processEvents`.
    """

    def __init__(
        self,
        scene,
        volumeNode,
        options: Options | None = None,
        *,
        python: str | None = None,
        onEvent: Callable[[Event], None] | None = None,
        onKept: Callable[[AnyResult], None] | None = None,
        onEnded: Callable[[NodeSession], None] | None = None,
        cacheRoot: Path | None = None,
        place: Place = Place.CONSOLE,
        pump: Callable[[], None] | None = None,
    ):
        self.nodes = JobNodes(scene, volumeNode, options or Options())
        self.phase = Phase.PREPARING
        self.outcome: WorkerOutcome | None = None
        self.ready: dict[str, Any] = {}
        self.lam = 0.0
        self.point: SessionPoint | None = None
        self.result: AnyResult | None = None
        self._python, self._cache_root, self._place, self._pump = python, cacheRoot, place, pump
        self._tell_event, self._tell_kept, self._tell_ended = onEvent, onKept, onEnded
        self._workplace: Workplace | None = None
        self._process: WorkerProcess | None = None
        self._sender: Sender | None = None
        self._live: SessionLive | None = None
        self._keeping: Keeping | None = None
        self._refused: Event | None = None
        self._closing: Callable[[], None] | None = None
        self._polling = False

    @property
    def liveNode(self):
        """The volume that follows lambda; None before it is ready and after the end."""
        return None if self._live is None else self._live.node

    @property
    def finished(self) -> bool:
        """Whether the session has ended, in whichever way."""
        return self.outcome is not None

    def workplaces(self) -> list[Workplace]:
        """Return the folders that it needs."""
        kept = self._keeping.workplace if self._keeping is not None else None
        return [each for each in (self._workplace, kept) if each is not None]

    def start(self) -> NodeSession:
        """Write the scan and start the worker; a mistake in the input ends it, see `outcome`."""
        self._closing = observe_closing(self.nodes.scene, self.close)
        try:
            with worded_for(self._place):
                if self._python is None:
                    check_packages()
                self._workplace = Workplace.create(self._cache_root)
                self._process = WorkerProcess(
                    self._command(self.nodes.write(self._workplace)),
                    environment=worker_environment(),
                    on_event=self._event,
                    place=self._place,
                )
                self._process.start()
        except CTCounterfactualError as error:
            self._end(WorkerOutcome(FAILED, str(error), error.advice))
        except Exception as error:
            self._end(WorkerOutcome(FAILED, f"Not started: {error}", "", traceback.format_exc()))
        return self

    def _command(self, job_file: Path) -> list[str]:
        return command_line(self._python or python_executable(), "session", job_file)

    def poll(self) -> bool:
        """Handle what the worker has said since the last call; True while the session lives."""
        if self.finished or self._process is None or self._polling:
            return not self.finished
        self._polling = True  # a callback may run Qt's event loop, and with it the timer
        try:
            self._look(self._process)
        finally:
            self._polling = False
        return not self.finished

    def _look(self, process: WorkerProcess) -> None:
        if not process.poll() and process.outcome is not None and not self.finished:
            outcome = process.outcome
            self._end(replace(outcome, message=outcome.data.get("reason", outcome.message)))
        elif self.nodes.volume.GetScene() is not self.nodes.scene:
            self._close("The session has ended: its volume was removed.")
        elif self._keeping is not None and self._keeping.done:
            self._build(self._keeping)

    def move(self, lam: float) -> None:
        """Go to a lambda; returns at once, and of several moves the last counts."""
        self.lam = float(lam)
        if self._sender is not None and self._live is not None:
            self._live.put_into_views()
            self._sender.move(self.lam, self._live.planes())

    def at(self, lam: float) -> SessionPoint:
        """Go to a lambda and wait for its score; the views follow meanwhile.

        Raises
        ------
        CTCounterfactualError
            If the session has ended, or the worker says why not.
        """
        self.until_ready()
        self.point = self._refused = None
        self.move(lam)
        self._wait(lambda: self.point is not None and self.point.lam == self.lam)
        assert self.point is not None
        return self.point

    def keep_soon(self, lam: float | None = None) -> None:
        """Make a lambda (None: where it is) a result; `onKept` tells when it is there."""
        if self._sender is None or self.phase is not Phase.READY or self._workplace is None:
            return
        self.lam = self.lam if lam is None else float(lam)
        self._keeping = Keeping(self.nodes, self._workplace.region, self._cache_root)
        self.phase = Phase.KEEPING
        there = self._keeping.workplace
        self._sender.keep(self.lam, str(there.result), str(there.input))

    def keep(self, lam: float | None = None) -> AnyResult:
        """Make a lambda (None: where it is) a result, wait for it and return it."""
        self.until_ready()
        self.result = self._refused = None
        self.keep_soon(lam)
        self._wait(lambda: self.result is not None)
        assert self.result is not None
        return self.result

    def until_ready(self) -> NodeSession:
        """Wait until lambda can be moved and nothing is being kept; Ctrl+C ends the session."""
        try:
            self._wait(lambda: self.phase is Phase.READY)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End the session now: worker, files and live volume go; what was kept stays."""
        self._close("The session has ended.")

    def _close(self, message: str) -> None:
        if not self.finished:
            self._end(WorkerOutcome(CANCELLED, message))

    def _event(self, event: Event) -> None:
        try:
            self._follow(event)
        except Exception as error:
            logger.exception("An event of the session could not be followed")
            self._end(WorkerOutcome(FAILED, str(error), details=traceback.format_exc()))
            return
        self._call(self._tell_event, event)

    def _follow(self, event: Event) -> None:
        data = event.data
        if event.step == "ready":
            self._begin(data)
        elif event.step == "plane" and self._live is not None:
            self._live.show(data["axis"], data["number"])
        elif event.step == "settled" and self._live is not None:
            self._live.show_all()
        elif event.step == "position":
            self.point = SessionPoint(data["lambda"], data["score"], data["change"])
        elif event.step == "kept" and self._keeping is not None:
            self._keeping.read()
        elif event.step == "refused":
            self._refused = event
            if self._keeping is not None:
                self._drop(self._keeping)

    def _begin(self, ready: dict[str, Any]) -> None:
        """Take up what the worker has prepared."""
        assert self._process is not None and self._process.stdin is not None
        self.ready = ready
        self._live = SessionLive(
            self.nodes.scene, self.nodes.volume, ready["live"], lambda: self.move(self.lam)
        )
        self._sender = Sender(self._process.stdin)
        self.phase = Phase.READY
        if self.lam:  # wished meanwhile
            self.move(self.lam)

    def _build(self, keeping: Keeping) -> None:
        try:
            with worded_for(self._place):
                self.result = keeping.build()
        except Exception as error:
            logger.exception("A kept result could not be added to the scene")
            self._event(Event("refused", f"The result is not in the scene: {error}", 1.0))
            return
        self._keeping, self.phase = None, Phase.READY
        self._call(self._tell_kept, self.result)

    def _drop(self, keeping: Keeping) -> None:
        """Give up the result that is being kept; the session goes on."""
        keeping.drop()
        self._keeping, self.phase = None, Phase.READY

    def _call(self, callback: Callable[..., None] | None, what: object) -> None:
        """Call the owner's function; a mistake in it is logged and doesn't end the session."""
        if callback is None:
            return
        try:
            callback(what)
        except Exception:
            logger.exception("A callback of the session raised an error")

    def _end(self, outcome: WorkerOutcome) -> None:
        """Take everything away but what was kept, and say so once."""
        if self.finished:
            return
        self.outcome, self.phase = outcome, Phase.ENDED
        if self._closing is not None:
            self._closing()
        if self._sender is not None:
            self._sender.close()
        if self._process is not None:
            self._process.close()
        if self._keeping is not None:
            self._keeping.drop()
            self._keeping = None
        if self._live is not None:
            self._live.remove()
            self._live = None
        for workplace in self.workplaces():
            workplace.remove()
        self._call(self._tell_ended, self)
