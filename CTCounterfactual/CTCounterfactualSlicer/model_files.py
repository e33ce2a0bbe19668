"""Files of models from within Slicer: downloads in a worker process, slow disk work in a thread.

As with `node_job`, nothing here draws or waits: whoever owns a job calls `poll` now and then
(`timer.JobTimer` does in Slicer), and its callbacks are called inside that.
"""

from __future__ import annotations

import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path
from typing import Any

from CTCounterfactualLib.errors import CTCounterfactualError, ModelError, worded_for
from CTCounterfactualLib.events import Event
from CTCounterfactualLib.jobs.outcome import CANCELLED, DONE, FAILED, WorkerOutcome
from CTCounterfactualLib.jobs.process import WorkerProcess, command_line
from CTCounterfactualLib.models.entry import CatalogueEntry
from CTCounterfactualLib.models.store.cache import ModelCache, default_folder
from CTCounterfactualLib.models.store.manage import CHANGED, UNREADABLE, verify_files
from CTCounterfactualLib.wording import Place

from .packages import check_packages
from .python_slicer import python_executable, worker_environment

logger = logging.getLogger(__name__)
# Only the panel's section Models starts these jobs.
PLACE = Place.PANEL
KEPT = "Cancelled. What has arrived is kept; the next attempt goes on from there."

OnEvent = Callable[[Event], None]


def model_cache(folder: Path | None = None) -> ModelCache:
    """Return the folder of fetched files: the user's own, which the command line uses, too."""
    return ModelCache(folder or default_folder())


class _Job(ABC):
    """What all jobs have in common: an end that is told once, as a `WorkerOutcome`.

    Parameters
    ----------
    onEvent : callable, optional
        `onEvent(event)` with each `Event`.
    onFinished : callable, optional
        `onFinished(job)`, exactly once however the job ends; see `outcome`.
    """

    cancellable = True

    def __init__(
        self,
        onEvent: OnEvent | None = None,
        onFinished: Callable[[_Job], None] | None = None,
    ):
        self.outcome: WorkerOutcome | None = None
        self._on_event, self._on_finished = onEvent, onFinished

    @property
    def finished(self) -> bool:
        """Whether the job has ended, in whichever way."""
        return self.outcome is not None

    def start(self) -> None:
        """Begin; a mistake of the user's doesn't raise: then the job has failed, see `outcome`."""
        try:
            with worded_for(PLACE):
                self._start()
        except CTCounterfactualError as error:
            self._end(WorkerOutcome(FAILED, str(error), error.advice, error=type(error).__name__))
        except Exception as error:
            self._end(
                WorkerOutcome(
                    FAILED, f"It could not be started: {error}", details=traceback.format_exc()
                )
            )

    def poll(self) -> bool:
        """Handle what has come since the last call; True while the job goes on."""
        if not self.finished:
            self._look()
        return not self.finished

    @abstractmethod
    def _start(self) -> None:
        """Begin the work."""

    @abstractmethod
    def _look(self) -> None:
        """Handle what has come; call `_end` when it is over."""

    def _end(self, outcome: WorkerOutcome) -> None:
        self.outcome = outcome
        self._call(self._on_finished, self)

    def _call(self, callback: Callable | None, what: object) -> None:
        """Call the owner's function; a mistake in it is logged and doesn't end the job."""
        if callback is None:
            return
        try:
            callback(what)
        except Exception:
            logger.exception("A callback of the job raised an error")


class WorkerJob(_Job):
    """A command of ours in a process of its own.

    Parameters
    ----------
    arguments : iterable
        As on the command line, `("models", "fetch", NAME)`.
    fetching : bool or None
        Whether it needs the packages for downloads, or those for computing; None: none of either.
    python : str, optional
        Executable that runs it; None finds Slicer's and checks its packages first.
    """

    def __init__(
        self,
        arguments: Iterable[str | Path],
        fetching: bool | None,
        onEvent: OnEvent | None = None,
        onFinished: Callable[[_Job], None] | None = None,
        python: str | None = None,
    ):
        super().__init__(onEvent, onFinished)
        self._arguments = tuple(arguments)
        self._fetching = fetching
        self._python = python
        self._process: WorkerProcess | None = None

    def cancel(self) -> None:
        """Ask the worker to stop; the job ends in one of the next polls."""
        if self._process is not None:
            self._process.cancel()

    def abandon(self) -> None:
        """End the job now; returns when its processes are gone. `onFinished` isn't called."""
        self._on_event = self._on_finished = None
        if self.finished:
            return
        if self._process is not None:
            self._process.close()
        self._end(WorkerOutcome(CANCELLED, KEPT if self._fetching else "Cancelled."))

    def _start(self) -> None:
        if self._python is None and self._fetching is not None:
            check_packages(self._fetching)
        self._process = WorkerProcess(
            command_line(self._python or python_executable(), *self._arguments),
            environment=worker_environment(),
            on_event=lambda event: self._call(self._on_event, event),
            place=PLACE,
        )
        self._process.start()

    def _look(self) -> None:
        if self._process is None or self._process.poll() or self.finished:
            return
        outcome = self._process.outcome
        if outcome is None:  # it was never started
            return
        if outcome.kind == CANCELLED:
            outcome = WorkerOutcome(CANCELLED, KEPT if self._fetching else "Cancelled.")
        self._end(outcome)


class FetchJob(WorkerJob):
    """Download the files of models.

    Parameters
    ----------
    names : iterable of str
        Of the catalogue.
    licence_accepted : bool
        Whether the user has agreed to the licences that ask for it.
    folder : Path, optional
        Where the files go; None: the user's own folder.
    how
        `onEvent`, `onFinished`, `python`; see `WorkerJob`.
    """

    def __init__(
        self,
        names: Iterable[str],
        licence_accepted: bool = False,
        folder: Path | None = None,
        **how: Any,
    ):
        self.names = tuple(names)
        accepted = ("--accept-licence",) if licence_accepted else ()
        where = model_cache(folder).folder
        super().__init__(("models", "--cache", where, "fetch", *self.names, *accepted), True, **how)


class OpenJob(WorkerJob):
    """Load the model of a card in the worker, which says what it is (`outcome.data`).

    If its code isn't consented to yet, it fails with `outcome.error` `ConsentNeeded`, and
    `outcome.data` are the arguments of `Consent.require`.
    """

    def __init__(self, card: Path, folder: Path | None = None, **how: Any):
        self.card = Path(card)
        super().__init__(
            ("models", "--cache", model_cache(folder).folder, "open", self.card), False, **how
        )


class FileJob(_Job):
    """Work on files that takes seconds (a copy, a digest) in a thread; it can't be cancelled.

    Parameters
    ----------
    work : callable
        Returns the message of a success.
    """

    cancellable = False

    def __init__(self, work: Callable[[], str], onFinished: Callable[[_Job], None] | None = None):
        super().__init__(None, onFinished)
        self._work = work
        self._future: Future[str] | None = None

    def cancel(self) -> None:
        """Do nothing: a digest takes seconds, and half a copy is of no use."""

    def abandon(self) -> None:
        """Wait for the end; `onFinished` isn't called."""
        self._on_finished = None
        if self._future is not None:
            wait_for([self._future])
        self.poll()

    def _start(self) -> None:
        executor = ThreadPoolExecutor(1, "model files")
        self._future = executor.submit(self._work)
        executor.shutdown(wait=False)

    def _look(self) -> None:
        if self._future is None or not self._future.done():
            return
        try:
            with worded_for(PLACE):
                done = self._future.result()
            self._end(WorkerOutcome(DONE, done))
        except CTCounterfactualError as error:
            self._end(WorkerOutcome(FAILED, str(error), error.advice, error=type(error).__name__))
        except Exception as error:
            details = "".join(traceback.format_exception(error))
            self._end(WorkerOutcome(FAILED, f"It failed: {error}", details=details))


def adopt(entry: CatalogueEntry, local: Mapping[str, Path], folder: Path | None = None) -> str:
    """Take local files for a model; return in words what came of it.

    Parameters
    ----------
    local : mapping
        Name in the catalogue -> file on disk, under whatever name.

    Raises
    ------
    ModelError
        If a file isn't there, or isn't the one that was expected.
    """
    cache = model_cache(folder)
    for file in entry.files:
        if file.name in local:
            cache.adopt(file, local[file.name])
    missing = [file.name for file in entry.files if not cache.has(file)]
    if missing:
        return f"Still missing for {entry.name}: {', '.join(missing)}."
    return f"{entry.name} is ready."


def verify(entry: CatalogueEntry, folder: Path | None = None) -> str:
    """Return in words whether a model's files are what they were; raise `ModelError` if not."""
    checks = verify_files(model_cache(folder), entry.files)
    changed = [check.message for check in checks if check.state in (CHANGED, UNREADABLE)]
    if changed:
        raise ModelError(" ".join(changed))
    return f"{entry.name}: " + "; ".join(f"{c.file.name} is {c.state}" for c in checks) + "."
