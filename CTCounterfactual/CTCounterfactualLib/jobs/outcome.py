"""How a worker process ended, in words: finished, cancelled, or failed and what to do about it."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import Any

from ..errors import Cancelled, OutOfMemory, as_out_of_memory, tells_of_memory
from ..wording import Place

DONE, CANCELLED, FAILED = "done", "cancelled", "failed"
# What is left of a process that the system ended from outside. A launcher around it may report 128
# plus the signal. POSIX: SIGKILL; Windows: STATUS_NO_MEMORY, STATUS_COMMITMENT_LIMIT.
_KILLED_BY_SYSTEM = frozenset({-9, 128 + 9, 0xC0000017, 0xC000012D})
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
    """
    if cancelled or (error and error.get("kind") == Cancelled.__name__):
        return WorkerOutcome(CANCELLED, str(Cancelled()), returncode=returncode)
    if error:
        return WorkerOutcome(
            FAILED, str(error.get("message", "")), str(error.get("advice", "")),
            str(error.get("details", "")) or log, str(error.get("kind", "")), returncode,
            data=_dict(error.get("data")),
        )
    if returncode == 0 and written is not None:
        output = str(written.get("output", ""))
        return WorkerOutcome(DONE, "Done.", returncode=0, output=output, data=written)
    if _killed_by_system(returncode, log):
        shortage = OutOfMemory()
        shortage.place = place
        return WorkerOutcome(
            FAILED,
            "The computation was ended by the operating system, most likely for want of memory.",
            shortage.advice, log, type(shortage).__name__, returncode,
        )
    if tells_of_memory(log):
        shortage = as_out_of_memory(RuntimeError(log)) or OutOfMemory()
        shortage.place = place
        return WorkerOutcome(
            FAILED, str(shortage), shortage.advice, log, type(shortage).__name__, returncode
        )
    return WorkerOutcome(
        FAILED, f"The computation {_how(returncode)} before it had a result.",
        "Try again; if it happens again, report it with the details.", log, "", returncode,
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _killed_by_system(returncode: int, log: str) -> bool:
    through_launcher = _LAUNCHER_WORDS in log and _FAULT_WORDS not in log
    return returncode in _KILLED_BY_SYSTEM or (through_launcher and not tells_of_memory(log))


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
