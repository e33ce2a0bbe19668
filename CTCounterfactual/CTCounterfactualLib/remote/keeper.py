"""The host's side: takes a job over standard input, runs it, sends the result, removes everything.

Started there by ssh as the verb `remote-worker`. It stays small: the work is done by a worker
process of its own. Whatever ends it (the other side's goodbye, a lost connection, silence, a
signal) ends the worker and removes the folder; should it be killed itself, a watchdog does.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, BinaryIO

from .. import __version__
from ..errors import CTCounterfactualError, OutputError, RemoteError
from ..events import Event
from ..jobs.outcome import CANCELLED, DONE, WorkerOutcome
from ..jobs.process import WorkerProcess, worker_command
from ..jobs.workplace import Workplace, cache_root
from ..storage.atomic import write_json
from ..storage.moving import files_in
from ..storage.names import reason
from ..storage.sizes import in_words
from ..wording import Place, speaking
from . import watchdog
from .facts import facts
from .wire import PROTOCOL, SILENCE_S, Budget, get, put, receive_file, send_file

POLL_S = 0.05
# From the end of the connection until the process ends whatever it is doing.
END_S = 10.0
MOST_FILES = 5000
# Room beside what arrives, for what the work writes first.
SPARE_BYTES = 50_000_000
_SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")
FAILED = 1


class Ended(Exception):
    """The work is to end now; says why, for whoever may still be there to read it."""


class Keeper:
    """One job on this computer for another one.

    Parameters
    ----------
    source, sink : binary streams
        From and to the other computer.
    base : str or None
        Where the temporary folder is made; None: in the system's.
    silence_s : float
        How long nothing may be heard before the other side counts as gone.
    """

    def __init__(
        self,
        source: BinaryIO,
        sink: BinaryIO,
        base: str | None = None,
        silence_s: float = SILENCE_S,
    ):
        self._source, self._sink = source, sink
        self._root = cache_root(os.path.expanduser(base) if base else None)
        self._silence_s = silence_s
        self._heard = monotonic()
        self._gone = ""  # why the work is to end
        self._over = threading.Event()
        self._workplace: Workplace | None = None
        self._guard: subprocess.Popen[str] | None = None

    def run(self, only_facts: bool = False) -> int:
        """Serve, clear away, and return an exit code; nothing is left here in any case."""
        threading.Thread(target=self._watch, daemon=True, name="silence").start()
        code = 0
        try:
            with self._signals():
                if only_facts:
                    self._hello("")
                    self._hear()
                    put(self._sink, "facts", **facts(self._root.parent))
                else:
                    self._serve()
        except Ended as end:
            code = self._tell("Cancelled" if self._gone == "closed" else "RemoteError", str(end))
        except CTCounterfactualError as error:
            code = self._tell(error.kind, str(error), error.advice)
        except OSError as error:
            text = f"{reason(error)} ({error.filename or self._root})"
            code = self._tell("OutputError", f"The files can't be kept there: {text}.")
        finally:
            self._clear()
        with suppress(OSError, ValueError):
            put(self._sink, "bye")
        self._over.set()
        return code

    def _serve(self) -> None:
        self._workplace = Workplace.create(self._root)
        folder = self._workplace.folder
        self._guard = _start_guard(folder)
        self._hello(str(folder))
        request = self._next()
        with speaking(_place(request.get("place"))):
            self._take_files(request, folder)
            write_json(self._workplace.job, request.get("job"))
            self._hear()
            self._work(self._workplace, request)

    def _hello(self, folder: str) -> None:
        put(
            self._sink,
            "hello",
            protocol=PROTOCOL,
            version=__version__,
            python=platform.python_version(),
            folder=folder,
        )

    def _next(self) -> dict[str, Any]:
        message = get(self._source)
        self._tick(0)
        if message is None:
            self._gone = self._gone or "closed"
            raise Ended("The connection was closed before the job was here.")
        return message

    def _take_files(self, request: dict[str, Any], folder: Path) -> None:
        size = request.get("bytes")
        if request.get("step") != "job" or type(size) is not int or size < 0:
            raise RemoteError("No job came over the connection.")
        free = shutil.disk_usage(folder).free
        if free < size + SPARE_BYTES:
            raise OutputError(
                f"Too little space in {folder.parent}: {in_words(free)} are free, the job needs "
                f"{in_words(size)} and room for its result. Free some, or give this host another "
                f"folder."
            )
        budget = Budget(size, MOST_FILES)
        while (message := self._next())["step"] == "file":
            try:
                receive_file(self._source, message, folder, budget, self._tick)
            except EOFError:
                self._gone = self._gone or "closed"
                raise Ended("The connection ended while the files came.") from None
        if message["step"] != "go":
            raise RemoteError(
                f"'go' was expected over the connection, not {message['step']!r:.40}."
            )

    def _work(self, workplace: Workplace, request: dict[str, Any]) -> None:
        """Run the worker to its end, and send what it says and makes."""
        consent = workplace.folder / "consent.json"
        write_json(consent, {"trust": request.get("trust"), "accepted": request.get("accepted")})
        worker = WorkerProcess(
            [*worker_command(sys.executable, workplace.job), "--consent", str(consent)],
            on_event=self._relay,
            on_log=lambda line: put(self._sink, "log", line=line[:2000]),
            place=_place(request.get("place")),
        )
        worker.start()
        if worker.pid is not None:
            self._tell_guard(f"pid {worker.pid}")
        try:
            while worker.poll():
                self._check()
                sleep(POLL_S)
        finally:
            worker.close()
        self._check()
        if worker.outcome is not None:
            self._send(worker.outcome, workplace)

    def _relay(self, event: Event) -> None:
        data = dict(event.data)
        heatmap = data.get("heatmap")
        if isinstance(heatmap, str):
            path = Path(heatmap)
            data["heatmap"] = path.name
            send_file(self._sink, path, path.name)
        data.pop("output", None)
        put(self._sink, "event", of=event.step, message=event.message, fraction=event.fraction,
            data=data)  # fmt: skip

    def _send(self, outcome: WorkerOutcome, workplace: Workplace) -> None:
        """Send the files of a result, or why there is none."""
        if outcome.kind != DONE:
            kind = "Cancelled" if outcome.kind == CANCELLED else outcome.error or "RemoteError"
            self._tell(kind, outcome.message, outcome.advice, outcome.details, outcome.data)
            return
        names = files_in(workplace.result)
        put(
            self._sink,
            "result",
            files=len(names),
            bytes=sum((workplace.result / name).stat().st_size for name in names),
        )
        for name in names:
            self._check()
            send_file(self._sink, workplace.result / name, name)
        put(self._sink, "whole")

    def _tell(
        self, kind: str, message: str, advice: str = "", details: str = "", data: Any = None
    ) -> int:
        with suppress(OSError, ValueError):
            put(self._sink, "error", kind=kind, message=message, advice=advice,
                details=details[-20_000:], data=data or {})  # fmt: skip
        return FAILED

    def _check(self) -> None:
        """Raise `Ended` if the other side has gone."""
        if self._gone:
            raise Ended("Cancelled: nothing was written." if self._gone == "closed" else self._gone)

    def _tick(self, _count: int) -> None:
        self._heard = monotonic()

    def _hear(self) -> None:
        threading.Thread(target=self._listen, daemon=True, name="heartbeats").start()

    def _listen(self) -> None:
        """Hear the other side's heartbeats until it closes the connection."""
        with suppress(OSError, ValueError):
            while os.read(self._source.fileno(), 4096):
                self._tick(0)
        self._gone = self._gone or "closed"

    def _watch(self) -> None:
        """End the work when nothing was heard for long; and the process, if that doesn't help."""
        while not self._over.wait(min(1.0, self._silence_s / 2)):
            if monotonic() - self._heard > self._silence_s:
                self._gone = self._gone or "The other computer fell silent."
            if self._gone:
                break
        if not self._over.wait(END_S):
            self._clear()
            os._exit(FAILED)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def handle(number: int, frame: object) -> None:
            first, self._gone = (
                not self._gone,
                self._gone or f"It was ended there (signal {number}).",
            )
            if first:
                raise Ended(self._gone)

        numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        before = {number: signal.signal(number, handle) for number in numbers}
        try:
            yield
        finally:
            self._gone = self._gone or "over"  # a signal from here on interrupts nothing
            for number in before:
                signal.signal(number, signal.SIG_IGN)

    def _tell_guard(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(OSError, ValueError):
                self._guard.stdin.write(line + "\n")
                self._guard.stdin.flush()

    def _clear(self) -> None:
        """Remove the folder, then let the watchdog go."""
        if self._workplace is not None:
            self._workplace.remove()
            with suppress(OSError):
                self._root.rmdir()  # unless other jobs are there
        self._tell_guard("done")
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(OSError):
                self._guard.stdin.close()


def _start_guard(folder: Path) -> subprocess.Popen[str]:
    """Start the watchdog, with no hold on the connection, which would stay open for it."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(watchdog.__file__), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )


def _place(value: Any) -> Place:
    return Place(value) if value in {place.value for place in Place} else Place.COMMAND_LINE
