"""The task of a worker: one case, one at a time, watched; what goes wrong is told, not raised."""

from __future__ import annotations

import errno
import faulthandler
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any

from ..errors import (
    Cancelled,
    CTCounterfactualError,
    OutputError,
    WorkerUnfit,
    as_out_of_memory,
)
from ..events import CancelToken
from ..storage.atomic import FULL
from .cohort_settings import CohortSettings
from .fingerprint import code_digest
from .inputs import InputCache
from .output import open_output
from .rows import COHORT
from .work import Work

# How an answer ends: a record; or a failure of the case, of the output, of a full disk, of the
# worker itself; or the run was cancelled.
RECORD, CASE, OUTPUT, NO_SPACE, WORKER, CANCELLED = (
    "record", "case", "output", "no-space", "worker", "cancelled",
)  # fmt: skip

# One case at a time in a process: PyTorch's random numbers and threads are the whole process's.
_one = threading.Lock()
# Run -> what stops its works in this process.
_tokens: dict[str, CancelToken] = {}
# The process's models and fetched scans.
_state: dict[str, Any] = {}


def run_work(work: Work, topic: str) -> dict[str, Any]:
    """Do a work on a Dask worker; return `{kind, ...}` with the record, or why there is none."""
    from distributed import get_worker

    with _one:
        worker = get_worker()
        # PyTorch's loading is no part of the first case: neither of its time nor of its timeout.
        from . import explain_case as _  # noqa: F401

        begun = {"id": work.case.id, "attempt": work.attempt, "at": time()}
        worker.log_event(topic, {**begun, "worker": worker.address})
        with _watched(work.wanted.case_timeout_s):
            return do_work(work, Path(worker.local_directory))


def do_work(work: Work, scratch: Path) -> dict[str, Any]:
    """Do a work in this process; see `run_work`."""
    try:
        _check_here(work)
        # What loads PyTorch stays out of this module: whoever sends works needn't have it.
        from .explain_case import CaseExplainer
        from .loaded import Loaded

        loaded = _state.setdefault("loaded", Loaded())
        inputs = _inputs(scratch, work.wanted)
        inputs.release()
        folder = Path(tempfile.mkdtemp(prefix="case-", dir=scratch))
        try:
            output = open_output(work.output)
            cancel = _token(work.run)
            record, made = CaseExplainer(work, output, loaded, inputs, folder, cancel).run()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return {"kind": RECORD, "record": record, "made": made}
    except Cancelled:
        return {"kind": CANCELLED}
    except BaseException as error:  # a model's code may raise anything
        return {"kind": _kind(error), "reason": _told(error)}


def stop_works(run: str) -> None:
    """Let what is being explained in this process for a run end soon, and refuse what comes."""
    _token(run).cancel()


def _token(run: str) -> CancelToken:
    return _tokens.setdefault(run, CancelToken())


def _inputs(scratch: Path, wanted: CohortSettings) -> InputCache:
    if "inputs" not in _state:
        _state["inputs"] = InputCache(scratch / "inputs", wanted.cache_bytes)
    return _state["inputs"]


def _check_here(work: Work) -> None:
    """Raise `WorkerUnfit` where this worker can't be trusted with the work."""
    where = f"The worker {os.uname().nodename if hasattr(os, 'uname') else ''}".rstrip()
    if code_digest() != work.code:
        raise WorkerUnfit(
            f"{where} has another version of this program, or of PyTorch, NumPy, SciPy or "
            f"SimpleITK, than the run began with: install the same everywhere."
        )
    if (open_output(work.output).read_json(COHORT) or {}).get("run") != work.run:
        raise WorkerUnfit(
            f"{where} doesn't see {work.output}: choose an output folder that all workers share, "
            f"or one in a store (s3://...)."
        )


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer, whatever it is doing, even in a library."""
    if not seconds:
        yield
        return
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _kind(error: BaseException) -> str:
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in (*FULL, errno.EFBIG):
            return NO_SPACE
        link = link.__cause__
    if isinstance(error, OutputError):
        return OUTPUT
    return WORKER if isinstance(error, WorkerUnfit) else CASE


def _told(error: BaseException) -> str:
    """Return an error on one line."""
    known = as_out_of_memory(error) or error
    ours = isinstance(known, CTCounterfactualError)
    return " ".join((str(known) if ours else f"{type(known).__name__}: {known}").split())
