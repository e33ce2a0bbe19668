"""Looks after a job from Qt's event loop."""

from __future__ import annotations

import qt

INTERVAL_MS = 100
# Timers that run: a job started from the console lives although nobody keeps it.
_running: set[JobTimer] = set()


class JobTimer:
    """Polls a job until it has ended.

    Parameters
    ----------
    job : NodeJob or NodeSession
        What has been started.
    intervalMs : int
        Between two looks; short enough that a progress bar moves smoothly.
    """

    def __init__(self, job, intervalMs: int = INTERVAL_MS):
        self.job = job
        self._timer = qt.QTimer()
        self._timer.setInterval(intervalMs)
        self._timer.connect("timeout()", self._look)

    def start(self) -> JobTimer:
        """Begin to poll."""
        _running.add(self)
        self._timer.start()
        return self

    def stop(self) -> None:
        """End polling; the job itself goes on."""
        self._timer.stop()
        _running.discard(self)

    def _look(self) -> None:
        if not self.job.poll():
            self.stop()
