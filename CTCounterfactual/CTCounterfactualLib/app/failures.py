"""How a failed command is told: one line for a person, one JSON line for a program."""

from __future__ import annotations

import json
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..errors import Cancelled, CTCounterfactualError, OutputError, as_out_of_memory
from ..project import ISSUES
from .streams import ReaderGone

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_USER_ERROR = 2
EXIT_CANCELLED = 130  # what shells report of a program that Ctrl-C ended


@dataclass(frozen=True)
class Failure:
    """A failed command.

    Parameters
    ----------
    kind : str
        Name of the exception's class; `OutOfMemory` for whatever amounts to it.
    message, advice : str
        What happened, and what to do where the message doesn't say it; each on one line.
    details : str
        Traceback; empty for an error that is explained by its message alone.
    exit_code : int
        0 is success, 1 unexpected, 2 an error that the user can act on, 130 cancelled.
    data : dict
        What a program needs to act on it, such as the digest that wants consent.
    """

    kind: str
    message: str
    advice: str
    details: str
    exit_code: int
    data: dict[str, Any] = field(default_factory=dict)


def describe(error: BaseException) -> Failure:
    """Return what an exception means for the user."""
    if isinstance(error, KeyboardInterrupt):
        error = Cancelled()
    trace = "".join(traceback.format_exception(error))
    error = as_out_of_memory(error) or error
    kind, message = type(error).__name__, _one_line(str(error))
    if isinstance(error, Cancelled):
        return Failure(kind, message, "", "", EXIT_CANCELLED)
    if isinstance(error, CTCounterfactualError):
        kind = error.kind
        details = trace if error.__cause__ or error.advice else ""
        return Failure(kind, message, error.advice, details, EXIT_USER_ERROR, dict(error.data))
    if isinstance(error, SystemExit):  # the parser's own never comes here
        return Failure(
            kind,
            f"Code that was loaded, as of a model, ended the program by sys.exit({message}).",
            "Nothing was written. Remove that call from it.",
            trace,
            EXIT_USER_ERROR,
        )
    if isinstance(error, ModuleNotFoundError):
        return Failure(
            kind,
            f"The Python package '{error.name}' is needed but is not installed.",
            f"Install it for {sys.executable}.",
            trace,
            EXIT_USER_ERROR,
        )
    return Failure(
        kind,
        f"Something unexpected went wrong: {kind}: {message or 'no reason given'}.",
        f"Please report it with the details: {ISSUES}",
        trace,
        EXIT_UNEXPECTED,
    )


def _one_line(text: str) -> str:
    """Return a text on one line; what a file has in it can't move the cursor or hide the rest."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def tell(failure: Failure, as_json: bool, debug: bool) -> None:
    """Write a failure to stderr, and with `as_json` to stdout as an event of step `error`."""
    if as_json:
        told = {
            "step": "error",
            "kind": failure.kind,
            "message": failure.message,
            "advice": failure.advice,
            "details": failure.details,
            "data": failure.data,
        }
        with suppress(ReaderGone, OutputError):
            sys.stdout.write(json.dumps(told) + "\n")
    if failure.exit_code == EXIT_CANCELLED:
        sys.stderr.write(f"{failure.message}\n")
        return
    advice = failure.advice
    if failure.exit_code == EXIT_UNEXPECTED and not debug:
        advice = "Run it again with --debug for the details."
    sys.stderr.write(f"Error: {failure.message} {advice}".rstrip() + "\n")
    if debug and failure.details:
        sys.stderr.write(failure.details)
