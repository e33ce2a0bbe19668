"""How a worker process ended, in words: finished, cancelled, or failed and what to do about it."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import Any

from ..counterfactual.machine import memory_limit
from ..errors import Cancelled, OutOfMemory, as_out_of_memory, tells_of_memory
from ..wording import Place

DONE, CANCELLED, FAILED = "done", "cancelled", "failed"
# What is left of a process that was ended from outside by SIGKILL. A launcher around it may report
# 128 plus the signal.
_KILLED = frozenset({-9, 128 + 9})
# Windows: STATUS_NO_MEMORY, STATUS_COMMITMENT_LIMIT.
_NO_MEMORY = frozenset({0xC0000017, 0xC000012D})
# The name of the error of a worker that was killed, nobody knows by whom.
KILLED = "Killed"
_BYTES_PER_GB = 1e9
# Slicer's launcher says this of a Python that ended by a signal, and itself exits with 1.
_LAUNCHER_WORDS = "exit abnormally"
# Python's fault handler writes this for a crash of native code, but can't for SIGKILL.
_FAULT_WORDS = "Fatal Python error"
# Statuses of this size on Windows are exceptions of the system, not exit codes of a program.
_WINDOWS_EXCEPTION = 0xC0000000


@dataclass(frozen=True)
class WorkerOutcome:
    """How a worker ended.

    Parameters
    ----------
    kind : str
        `done`, `cancelled` or `failed`.
    message, advice : str
        What happened and what to do next, for a person.
    details : str
        Traceback, or the last lines that the worker wrote; for a report.
    error : str
        Name of the error's class, where there is one: `OutOfMemory`, `ScanError`...
    returncode : int or None
        Exit code; negative: the signal. None if it never ran.
    output : str
        The result folder, if `done`.
    data : dict
        Of the last event, if `done`; what the error said besides its words, if `failed`.
    """

    kind: str
    message: str
    advice: str = ""
    details: str = ""
    error: str = ""
    returncode: int | None = None
    output: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def judge(
    returncode: int,
    cancelled: bool,
    written: dict[str, Any] | None,
    error: dict[str, Any] | None,
    log: str,
    place: Place | None = None,
    kills: int | None = None,
) -> WorkerOutcome:
    """Return what the end of a worker means.

    Parameters
    ----------
    returncode : int
        As `Popen` gives it.
    cancelled : bool
        Whether we asked it to stop.
    written, error : dict or None
        Data of its last event (`written`), and its error line, if any came.
    log : str
        The last lines it wrote to stderr.
    place : Place, optional
        Whose words the advice has; None: the process's.
    kills : int, optional
        How many processes the kernel ended for lack of memory while the worker ran; None: unknown.
    """
    if cancelled or (error and error.get("kind") == Cancelled.__name__):
        return WorkerOutcome(CANCELLED, str(Cancelled()), returncode=returncode)
    if error:
        return WorkerOutcome(
            FAILED,
            str(error.get("message", "")),
            str(error.get("advice", "")),
            str(error.get("details", "")) or log,
            str(error.get("kind", "")),
            returncode,
            data=_dict(error.get("data")),
        )
    if returncode == 0 and written is not None:
        output = str(written.get("output", ""))
        return WorkerOutcome(DONE, "Done.", returncode=0, output=output, data=written)
    if returncode in _NO_MEMORY or _was_killed(returncode, log):
        return _killed(returncode, log, place, kills)
    if tells_of_memory(log):
        shortage = as_out_of_memory(RuntimeError(log)) or OutOfMemory()
        shortage.place = place
        return WorkerOutcome(
            FAILED, str(shortage), shortage.advice, log, type(shortage).__name__, returncode
        )
    return WorkerOutcome(
        FAILED,
        f"The computation {_how(returncode)} before it had a result.",
        "Try again; if it happens again, report it with the details.",
        log,
        "",
        returncode,
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _was_killed(returncode: int, log: str) -> bool:
    through_launcher = _LAUNCHER_WORDS in log and _FAULT_WORDS not in log
    return returncode in _KILLED or (through_launcher and not tells_of_memory(log))


def _killed(returncode: int, log: str, place: Place | None, kills: int | None) -> WorkerOutcome:
    """Tell a lack of memory, as far as the system says so, from a kill by somebody else."""
    shortage = OutOfMemory()
    shortage.place = place
    limit = memory_limit()
    size = f" ({limit / _BYTES_PER_GB:.1f} GB in all)" if limit else ""
    if kills or returncode in _NO_MEMORY:
        return WorkerOutcome(
            FAILED,
            f"The operating system ended the computation for lack of memory{size}.",
            shortage.advice,
            log,
            type(shortage).__name__,
            returncode,
        )
    known = (
        "the system reports no lack of memory meanwhile"
        if kills == 0
        else ("often the system does so for lack of memory, but nothing here tells")
    )
    return WorkerOutcome(
        FAILED,
        f"The computation was killed from outside (signal 9): {known}{size}.",
        f"Try again, unless somebody ended it on purpose. If it was the memory: {shortage.advice}",
        log,
        KILLED,
        returncode,
    )


def _how(returncode: int) -> str:
    if returncode == 0:
        return "ended"
    if returncode < 0:
        try:
            return f"crashed ({signal.Signals(-returncode).name})"
        except ValueError:
            return f"crashed (signal {-returncode})"
    if returncode >= _WINDOWS_EXCEPTION:
        return f"crashed (0x{returncode:08X})"
    return f"ended with exit code {returncode}"
