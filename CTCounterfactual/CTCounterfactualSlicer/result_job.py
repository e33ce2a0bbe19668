"""A worker's verb on a finished result; what its file says is kept with the result in the scene."""

from __future__ import annotations

from typing import Any

from CTCounterfactualLib.jobs.outcome import WorkerOutcome

from .job_nodes import write_plainly
from .model_files import WorkerJob
from .result import AnyResult


class ResultJob(WorkerJob):
    """Run a verb on a result's folder; `remember` is called if it wrote the file.

    Parameters
    ----------
    result : NodeResult or MapResult
        Its folder must be there.
    arguments : tuple
        Of the command line, the verb first.
    how
        `onEvent`, `onFinished`, `python`; see `WorkerJob`.
    """

    # What the verb writes into the result's folder.
    file = ""

    def __init__(self, result: AnyResult, arguments: tuple[Any, ...], **how: Any):
        self.result = result
        super().__init__(arguments, False, **how)

    def remember(self) -> None:
        """Keep what the file says on the result's main node."""

    def _start(self) -> None:
        if self.result.workplace is not None:  # where the record says that the scan is
            write_plainly(self.result.explanation.scan.image, self.result.workplace.input)
        super()._start()

    def _end(self, outcome: WorkerOutcome) -> None:
        if self.result.workplace is not None:
            self.result.workplace.input.unlink(missing_ok=True)
        if outcome.error == "" and (self.result.folder / self.file).is_file():
            self.remember()
        super()._end(outcome)
