"""Give works to the workers of a Dask cluster, one each, and say how each one ended.

Dask's own retries and its queues aren't used: with one work a worker at a time it is known which
case ended a worker, and none that merely waited there is blamed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic, time
from typing import Any

from ..errors import CTCounterfactualError, OutputError
from ..events import CancelToken
from .pace import in_time
from .work import Work
from .worker import WORKER, run_work, stop_works

# How a work ends that its worker didn't survive.
DIED = "died"
# How often a cancel is looked for, and the workers counted.
POLL_S, COUNT_S = 0.2, 1.0
# A cancelled work ends within a layer of a network; after that its worker is left to itself.
STOP_S = 20.0
# Works that never began though their workers died: after so many the cluster is at fault.
MOST_LOST = 10
# Of the case timeout: clocks of two machines differ a little.
_NEARLY = 0.98

Answer = dict[str, Any]


class Dispatcher:
    """Sends works and hears how they end.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    run : str
        Names the run.
    cancel : CancelToken
        Stops it: the workers are told, and `Cancelled` is raised.
    waiting : callable
        Told, in words, that there are no workers.
    """

    def __init__(
        self, client: Any, run: str, cancel: CancelToken, waiting: Callable[[str], None]
    ) -> None:
        self._client, self._run, self._cancel, self._waiting = client, run, cancel, waiting
        self._topic = f"ct-counterfactual-{run}"
        self._begun: dict[tuple[str, int], dict[str, Any]] = {}
        self._ended: SimpleQueue[Any] = SimpleQueue()
        self._flying: dict[Any, Work] = {}
        self._workers: list[str] = []
        self._counted = -COUNT_S
        self._lost = 0
        self._told = False

    def each(self, works: Iterable[Work], ended: Callable[[Work, Answer], Work | None]) -> None:
        """Do all works; `ended` is given each with its answer, and returns one to do in its place.

        Raises
        ------
        Cancelled
            If the run was cancelled.
        OutputError
            If the scheduler is lost.
        """
        pending, again = iter(works), deque[Work]()
        more = next(pending, None)
        self._client.subscribe_topic(self._topic, self._on_begin)
        try:
            while more is not None or again or self._flying:
                self._cancel.check()
                self._count()
                while (more is not None or again) and len(self._flying) < len(self._workers):
                    if more is not None:
                        self._submit(more)
                        more = next(pending, None)
                    else:
                        self._submit(again.popleft())
                with suppress(Empty):
                    future = self._ended.get(timeout=POLL_S)
                    work = self._flying.pop(future)
                    answer = self._answer(future, work)
                    retry = work if answer is None else ended(work, answer)
                    if retry is not None:
                        again.append(retry)
        finally:
            self._stop()

    def _on_begin(self, event: tuple[float, dict[str, Any]]) -> None:
        message = event[1]
        self._begun[message["id"], message["attempt"]] = message

    def _count(self) -> None:
        """Look for workers, now and then."""
        if monotonic() - self._counted < COUNT_S:
            return
        if self._client.status != "running":
            raise _lost(self._client.status)
        self._counted = monotonic()
        self._workers = list(self._client.nthreads())
        if not self._workers and not self._told:
            self._waiting("No worker is there; waiting for one")
        self._told = not self._workers

    def _submit(self, work: Work) -> None:
        before = self._begun.get((work.case.id, work.attempt - 1), {}).get("worker")
        others = [name for name in self._workers if name != before]
        future = self._client.submit(
            run_work,
            work,
            self._topic,
            key=f"{work.case.id}-{work.attempt}-{self._run}-{time():.6f}",
            pure=False,
            workers=others if before and others else None,
            allow_other_workers=True if before and others else None,
        )
        self._flying[future] = work
        future.add_done_callback(self._ended.put)

    def _answer(self, future: Any, work: Work) -> Answer | None:
        """Return how a work ended; None if it never began."""
        from distributed import KilledWorker

        try:
            answer = future.result()
            self._lost = 0
            return answer
        except KilledWorker:
            begun = self._begun.get((work.case.id, work.attempt))
            if begun is None:
                self._lost += 1
                if self._lost > MOST_LOST:
                    return {"kind": WORKER, "reason": "its workers end before they begin."}
                return None
            return {"kind": DIED, "reason": _why(work, begun)}
        except CTCounterfactualError:
            raise
        except Exception as error:  # the task couldn't be run at all
            if future.cancelled():  # which we never do while we wait for it
                raise _lost(self._client.status) from error
            said = " ".join(f"{type(error).__name__}: {error}".split())
            return {"kind": WORKER, "reason": f"The worker can't run it ({said})."}
        finally:
            future.release()

    def _stop(self) -> None:
        """End what is still at work, and hear no more of it."""
        self._client.unsubscribe_topic(self._topic)
        if not self._flying:
            return
        with suppress(Exception):  # workers may be gone; there is nothing more to stop then
            self._client.run(stop_works, self._run, on_error="ignore")
        until = monotonic() + STOP_S
        with suppress(Empty):
            while self._flying:
                self._flying.pop(self._ended.get(timeout=max(0.0, until - monotonic())))
        with suppress(Exception):
            self._client.cancel(list(self._flying))


def _lost(status: str) -> OutputError:
    return OutputError(
        f"The connection to the scheduler is lost ({status}). What is done stays; start a "
        f"scheduler, and the same command goes on."
    )


def _why(work: Work, begun: dict[str, Any]) -> str:
    """Return why a worker ended, as far as it can be told from here."""
    seconds, timeout = time() - begun["at"], work.wanted.case_timeout_s
    if timeout and seconds >= _NEARLY * timeout:
        return f"It took longer than the case timeout ({in_time(timeout)}) and was given up."
    return (
        f"Its worker ended after {in_time(seconds)}: killed, for lack of memory perhaps, or by a "
        f"fault of a library."
    )
