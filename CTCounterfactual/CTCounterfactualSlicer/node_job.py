"""One explanation of a volume node: the worker process, live nodes, the final nodes.

The engine runs in a process of its own on a job file, exactly as the command line runs it; this
side writes the scan, follows the worker's events and builds the nodes. Nothing here draws or waits
unless asked to: whoever owns the job calls `poll` now and then (`timer.JobTimer` does in Slicer),
and everything, callbacks included, happens inside that call.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path

from CTCounterfactualLib.errors import Cancelled, CTCounterfactualError, worded_for
from CTCounterfactualLib.events import Event
from CTCounterfactualLib.jobs.outcome import CANCELLED, DONE, FAILED, WorkerOutcome
from CTCounterfactualLib.jobs.process import WorkerProcess, worker_command
from CTCounterfactualLib.jobs.workplace import Workplace
from CTCounterfactualLib.wording import Place

from .announce import announce
from .job_nodes import JobNodes, Made, observe_closing
from .options import Options
from .packages import check_packages
from .python_slicer import python_executable, worker_environment
from .result import AnyResult
from .state import State, StateMachine

logger = logging.getLogger(__name__)
WAIT_STEP_S = 0.05  # of a blocking wait: the threads that read the pipes need their turn


class JobError(CTCounterfactualError):
    """The worker failed; `advice` says what to do, `details` is for a report of a bug."""

    def __init__(self, outcome: WorkerOutcome):
        super().__init__(" ".join(text for text in (outcome.message, outcome.advice) if text))
        self.advice = outcome.advice
        self.details = outcome.details


class NodeJob:
    """Explain a volume node in a worker process.

    Parameters
    ----------
    scene : vtkMRMLScene
        Where the nodes go.
    volumeNode : vtkMRMLScalarVolumeNode
        The scan; read when the job starts, so later edits of it don't matter.
    options : Options
        What to compute.
    python : str, optional
        Executable that runs the worker; None finds Slicer's.
    onEvent, onLog : callable, optional
        `onEvent(event)` with each `Event`, `onLog(line)` with each line the worker wrote besides.
    onFinished : callable, optional
        `onFinished(job)`, exactly once however the job ends; see `outcome` and `result`.
    machine : StateMachine, optional
        Where the state is kept; None makes one for this job alone.
    cacheRoot : Path, optional
        Where the workplace is made; None takes the jobs' own place.
    place : Place
        Where messages are read.
    """

    def __init__(
        self,
        scene,
        volumeNode,
        options: Options | None = None,
        *,
        python: str | None = None,
        onEvent: Callable[[Event], None] | None = None,
        onLog: Callable[[str], None] | None = None,
        onFinished: Callable[[NodeJob], None] | None = None,
        machine: StateMachine | None = None,
        cacheRoot: Path | None = None,
        place: Place = Place.CONSOLE,
    ):
        self.options = options or Options()
        self.machine = machine or StateMachine()
        self.nodes = JobNodes(scene, volumeNode, self.options)
        self.outcome: WorkerOutcome | None = None
        self.result: AnyResult | None = None
        self._python = python
        self._on_event, self._on_log, self._on_finished = onEvent, onLog, onFinished
        self._cache_root = cacheRoot
        self._place = place
        self._workplace: Workplace | None = None
        self._process: WorkerProcess | None = None
        self._reading: Future[Made] | None = None
        self._polling = False
        self._closing: Callable[[], None] | None = None

    @property
    def volumeNode(self):
        """The scan's node."""
        return self.nodes.volume

    @property
    def live(self):
        """The nodes that show finished chunks while the job runs, or None."""
        return self.nodes.live

    @property
    def folder(self) -> Path | None:
        """Temporary folder of its files, None before `start`; it goes unless the job succeeds."""
        return None if self._workplace is None else self._workplace.folder

    @property
    def state(self) -> State:
        """What the job is doing."""
        return self.machine.state

    @property
    def finished(self) -> bool:
        """Whether the job has ended, in whichever way."""
        return self.outcome is not None

    def start(self) -> None:
        """Write the scan and the job file, and start the worker.

        A mistake in the input doesn't raise: the job has failed then, and `outcome` says why.
        """
        if self._process is not None or self.finished:
            raise RuntimeError("A job runs once; make another one.")
        self.machine.to(State.RUNNING)
        self._closing = observe_closing(self.nodes.scene, self.abandon)
        try:
            with worded_for(self._place):
                self._start()
        except CTCounterfactualError as error:
            self._fail(str(error), details="", advice=error.advice)
        except Exception as error:
            self._fail(f"The computation could not be started: {error}", traceback.format_exc())

    def _start(self) -> None:
        if self._python is None and not self.options.run_on:
            check_packages()
        self._workplace = Workplace.create(self._cache_root)
        job_file = self.nodes.write(self._workplace)
        self._process = WorkerProcess(
            worker_command(self._python or python_executable(), job_file, self.options.run_on),
            environment=worker_environment(),
            on_event=self._event,
            on_log=self._log,
            place=self._place,
        )
        self._process.start()

    def poll(self) -> bool:
        """Handle what the worker has said since the last call; True while the job goes on."""
        process, workplace = self._process, self._workplace
        if self.finished or process is None or workplace is None or self._polling:
            return not self.finished
        self._polling = True  # a callback may run Qt's event loop, and with it the timer
        try:
            self._look(process, workplace)
        finally:
            self._polling = False
        return not self.finished

    def _look(self, process: WorkerProcess, workplace: Workplace) -> None:
        if process.poll() or process.outcome is None or self.finished:
            return
        if self._reading is None:
            self._end(process.outcome, workplace)
        elif self._reading.done():
            self._build(self._reading, process.outcome, workplace)

    def cancel(self) -> None:
        """Ask the worker to stop; the job ends in one of the next polls, and nothing stays."""
        if self.state is State.RUNNING and self._process is not None:
            self.machine.to(State.CANCELLING)
            self._process.cancel()

    def abandon(self) -> None:
        """End the job here and now, whatever it is doing, and leave nothing: the scene is closing.

        Returns when the worker's processes are gone.
        """
        if self.finished:
            return
        if self._process is not None:
            self._process.close()
        if self._reading is not None:
            wait_for([self._reading])  # it reads from the folder that is about to go
        self._close(WorkerOutcome(CANCELLED, "The scene was closed."), State.IDLE)

    def wait(self, pump: Callable[[], None] | None = None) -> AnyResult:
        """Poll until the job has ended and return its result; Ctrl+C cancels it.

        Parameters
        ----------
        pump : callable, optional
            Called between polls, such as `slicer.app.processEvents`.

        Raises
        ------
        JobError
            If the job failed.
        Cancelled
            If it was cancelled.
        """
        try:
            while self.poll():
                if pump is not None:
                    pump()
                time.sleep(WAIT_STEP_S)
        except BaseException:  # Ctrl+C, or a mistake in `pump`: leave no worker behind
            self.abandon()
            raise
        self.raise_if_failed()
        assert self.result is not None  # no way of failing is left
        return self.result

    def raise_if_failed(self) -> None:
        """Raise `JobError` or `Cancelled` if that is how the job ended."""
        if self.outcome is None or self.outcome.kind == DONE:
            return
        if self.outcome.kind == CANCELLED:
            raise Cancelled()
        raise JobError(self.outcome)

    def _event(self, event: Event) -> None:
        if self.state is State.RUNNING:
            try:
                self.nodes.show(event)
            except Exception as error:  # a preview only: the result doesn't need it
                logger.exception("A finished chunk could not be shown")
                self._log(f"Not shown while it runs: {error}")
        self._call(self._on_event, event)

    def _log(self, line: str) -> None:
        self._call(self._on_log, line)

    def _call(self, callback: Callable[..., None] | None, what: object) -> None:
        """Call the owner's function, if any; a mistake in it is logged and doesn't end the job."""
        if callback is None:
            return
        try:
            callback(what)
        except Exception:
            logger.exception("A callback of the job raised an error")

    def _end(self, outcome: WorkerOutcome, workplace: Workplace) -> None:
        """Go on from the worker's end."""
        if self.state is State.CANCELLING or outcome.kind == CANCELLED:
            self._close(WorkerOutcome(CANCELLED, str(Cancelled())), State.IDLE)
        elif outcome.kind != DONE:
            self._close(outcome, State.FAILED)
        else:
            executor = ThreadPoolExecutor(1, "read result")  # seconds for a large scan
            self._reading = executor.submit(self.nodes.read, workplace)
            executor.shutdown(wait=False)

    def _build(
        self,
        reading: Future[Made],
        outcome: WorkerOutcome,
        workplace: Workplace,
    ) -> None:
        """Make nodes of the result that was read in the background."""
        if self.state is State.CANCELLING:
            self._close(WorkerOutcome(CANCELLED, str(Cancelled())), State.IDLE)
            return
        try:
            with worded_for(self._place):
                self.result = self.nodes.build(reading.result(), workplace)
        except CTCounterfactualError as error:
            self._fail(str(error), details="", advice=error.advice)
        except Exception as error:
            self._fail(
                f"The result could not be added to the scene: {error}", traceback.format_exc()
            )
        else:
            self._reading = None  # it holds volumes that the nodes have now
            self._close(outcome, State.DONE)

    def _fail(self, message: str, details: str, advice: str = "") -> None:
        self._close(WorkerOutcome(FAILED, message, advice, details), State.FAILED)

    def _close(self, outcome: WorkerOutcome, state: State) -> None:
        """Clear away what isn't part of the result, say what came of it, and say so once."""
        if self._closing is not None:
            self._closing()
        self.nodes.remove_live()
        if self._workplace is not None and self.result is None:
            self._workplace.remove()
        self.outcome = outcome
        self.machine.to(state)
        if self.result is not None:
            announce(self.result)
        self._call(self._on_finished, self)
