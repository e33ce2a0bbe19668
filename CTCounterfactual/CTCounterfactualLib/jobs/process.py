"""A worker process (a job, a download): its events, its end in words, a cancel that ends it all.

Nothing here needs torch or Qt: whoever owns it calls `poll` now and then, from a timer or a loop.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO, Any

from ..counterfactual.machine import memory_kills
from ..events import Event
from ..wording import VARIABLE, Place
from .outcome import FAILED, WorkerOutcome, judge

LIB_DIR = Path(__file__).resolve().parents[1]
# From the request to stop until the whole process tree is killed, in seconds.
GRACE_S = 1.0
# How long output of a process that has ended is waited for: a grandchild may hold the pipe open.
READERS_GRACE_S = 2.0
# Lines of stderr that are kept for the details of a failure.
LOG_LINES = 200
# Events that say that a command has done what it was for: `run`, `models`, `session`, `hosts`.
LAST_STEPS = ("written", "fetched", "opened", "ended", "tested")

OnEvent = Callable[[Event], None]
OnLog = Callable[[str], None]


def command_line(python: str | Path, *arguments: str | Path) -> list[str]:
    """Return a command of ours that tells events and dies with the process that started it."""
    given = [str(argument) for argument in arguments]
    return [str(python), str(LIB_DIR), *given, "--progress", "json", "--parent-stdin"]


def worker_command(python: str | Path, job_path: str | Path, on: str = "") -> list[str]:
    """Return the command that runs a job file here, or on a host; see `command_line`."""
    return command_line(python, "run", job_path, *(("--on", on) if on else ()))


class WorkerProcess:
    """Runs a command that speaks as `--progress json` does.

    Parameters
    ----------
    command : sequence of str
        See `worker_command`.
    environment : mapping, optional
        Of the worker; default: this process's own.
    on_event, on_log : callable, optional
        Get each `Event`, and each other line; always in the thread that calls `poll`.
    place : Place, optional
        Where the user reads what it says, for the names of settings; None: as a library.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        on_event: OnEvent | None = None,
        on_log: OnLog | None = None,
        place: Place | None = None,
    ):
        self.command = list(command)
        self.outcome: WorkerOutcome | None = None
        self._environment = dict(os.environ if environment is None else environment)
        self._on_event = on_event
        self._on_log = on_log
        self._place = place or Place.PYTHON
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: list[tuple[threading.Thread, IO[bytes]]] = []
        self._lines: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._written: dict[str, Any] | None = None
        self._error: dict[str, Any] | None = None
        self._cancelled = False
        self._ended_at = 0.0
        self._kills_before: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the command; None before `start` or if that failed."""
        return self._process.pid if self._process else None

    @property
    def stdin(self) -> IO[bytes] | None:
        """Where lines for the command go; None before `start`."""
        return self._process.stdin if self._process else None

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def start(self) -> None:
        """Start the command; if that fails, `outcome` says so (nothing is raised)."""
        environment = self._environment | {
            "PYTHONIOENCODING": "utf-8",
            VARIABLE: self._place.value,
            "PYTHONFAULTHANDLER": "1",  # a crash of native code then says where
        }
        self._kills_before = memory_kills()
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                **_own_group(),
            )
        except (OSError, ValueError) as error:
            self.outcome = WorkerOutcome(
                FAILED,
                f"Cannot start {self.command[0]}: {getattr(error, 'strerror', None) or error}.",
                "Check that Python is where it was installed.",
                error=type(error).__name__,
            )
            return
        atexit.register(self.close)
        for name in ("stdout", "stderr"):
            stream = getattr(self._process, name)
            thread = threading.Thread(
                target=_read_lines,
                args=(stream, name, self._lines),
                daemon=True,
                name=f"worker {self._process.pid} {name}",
            )
            thread.start()
            self._readers.append((thread, stream))

    def poll(self) -> bool:
        """Deliver what has come since the last call; return True while the worker runs.

        When it returns False for the first time, everything was delivered and `outcome` is set.
        """
        if self.outcome is not None or self._process is None:
            return False
        returncode = self._process.poll()
        self._deliver()
        if returncode is None or self.outcome is not None:  # a callback may have called `close`
            return self.outcome is None
        if not self._ended_at:
            self._ended_at = monotonic()
            _kill_tree(self._process)  # whatever it had started
        late = monotonic() - self._ended_at > READERS_GRACE_S
        if any(thread.is_alive() for thread, _ in self._readers) and not late:
            return True
        self._deliver()
        self._release(self._process)
        log = "\n".join(self._log)
        self.outcome = judge(
            returncode,
            self._cancelled,
            self._written,
            self._error,
            log,
            self._place,
            self._kills(),
        )
        return False

    def cancel(self) -> None:
        """Ask the worker to stop, and make sure of it: after `GRACE_S` its whole tree is killed.

        Returns at once and needs no polling; `poll` tells when it is over. Safe to call at any
        time, and twice.
        """
        if self._cancelled or self.outcome is not None or self._process is None:
            return
        self._cancelled = True
        _close_stdin(self._process)
        # Not on Windows: it would kill the launcher alone, and its child be out of reach.
        if sys.platform != "win32":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGTERM)
        threading.Thread(
            target=_end_after_grace,
            args=(self._process,),
            daemon=True,
            name="worker cancel",
        ).start()

    def close(self) -> None:
        """End the worker now, without grace, and wait until it is gone; for the program's end."""
        if self.outcome is not None or self._process is None:
            return
        self._cancelled = True
        self._on_event = self._on_log = None  # their owners may be half gone
        _kill_tree(self._process)
        self._process.wait()
        while self.poll():
            for thread, _ in self._readers:
                thread.join(READERS_GRACE_S / 10)

    def _deliver(self) -> None:
        """Hand over the lines that are there; raises what a callback raises, the rest is kept."""
        while not self._lines.empty():
            source, line = self._lines.get()
            data = _parse(line) if source == "stdout" else None
            if data is None:
                self._log.append(line)
                if self._on_log:
                    self._on_log(line)
                continue
            step = data.pop("step")
            if step == "error":
                self._error = data
                continue
            if step in LAST_STEPS:
                self._written = dict(data)
            message, fraction = data.pop("message"), data.pop("fraction")
            if self._on_event:
                self._on_event(Event(step, message, fraction, data))

    def _kills(self) -> int | None:
        """Return how many processes the kernel has ended for lack of memory since the start."""
        now = memory_kills()
        return None if now is None or self._kills_before is None else now - self._kills_before

    def _release(self, process: subprocess.Popen[bytes]) -> None:
        """Close the pipes and forget the exit hook; the process itself is reaped already."""
        _close_stdin(process)
        for thread, stream in self._readers:
            if not thread.is_alive():  # closing under a blocked read would block as well
                stream.close()
        atexit.unregister(self.close)


def _end_after_grace(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    _kill_tree(process)


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it started; nothing happens where none is left."""
    if sys.platform == "win32":
        if process.returncode is not None:
            return  # children are found through their parent only
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(process.pid)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _own_group() -> dict[str, Any]:
    """Return the arguments of `Popen` that let a whole tree be ended, and open no window."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def _read_lines(stream: IO[bytes], name: str, lines: queue.SimpleQueue) -> None:
    with suppress(OSError, ValueError):
        for line in stream:
            lines.put((name, line.decode("utf-8", "replace").rstrip("\r\n")))


def _parse(line: str) -> dict[str, Any] | None:
    """Return the event that a line of stdout holds; None for any other line."""
    if not line.startswith("{"):
        return None
    try:
        data = json.loads(line)
    except ValueError:
        return None
    ours = data.get("step") == "error" or (
        isinstance(data.get("step"), str)
        and isinstance(data.get("message"), str)
        and isinstance(data.get("fraction"), (int, float))
    )
    return data if ours else None
