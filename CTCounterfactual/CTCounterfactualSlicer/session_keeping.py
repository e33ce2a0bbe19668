"""A result that a session keeps: its files, read in the background, then its nodes."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path

from CTCounterfactualLib.jobs.workplace import Workplace

from .job_nodes import JobNodes, Made
from .result import AnyResult


class Keeping:
    """One result on its way from the worker into the scene.

    Parameters
    ----------
    nodes : JobNodes
        Of the session.
    region : Path
        The session's mask, if that file exists: tests of the result ask for it.
    cacheRoot : Path, optional
        Where the result's own workplace is made.
    """

    def __init__(self, nodes: JobNodes, region: Path, cacheRoot: Path | None = None):
        self._nodes = nodes
        self._reading: Future[Made] | None = None
        self.workplace = Workplace.create(cacheRoot)
        if region.is_file():
            shutil.copyfile(region, self.workplace.region)

    def read(self) -> None:
        """Begin to read what the worker has written."""
        executor = ThreadPoolExecutor(1, "read result")  # seconds for a large scan
        self._reading = executor.submit(self._nodes.read, self.workplace)
        executor.shutdown(wait=False)

    @property
    def done(self) -> bool:
        """Whether it is read."""
        return self._reading is not None and self._reading.done()

    def build(self) -> AnyResult:
        """Make nodes of it; raises what reading or building raised."""
        assert self._reading is not None
        return self._nodes.build(self._reading.result(), self.workplace)

    def drop(self) -> None:
        """Give it up: its files go."""
        if self._reading is not None:
            wait_for([self._reading])  # it reads from the folder that is about to go
        self.workplace.remove()
