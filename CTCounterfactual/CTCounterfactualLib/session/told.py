"""Progress and cancel of a session, which outlives any single piece of its work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..events import CancelToken, ProgressCallback, Reporter


class Told(Reporter):
    """A reporter whose listener and cancel change from one piece of work to the next."""

    @contextmanager
    def meanwhile(
        self, progress: ProgressCallback | None, cancel: CancelToken | None
    ) -> Iterator[None]:
        """Tell another listener, from the beginning, and ask another cancel (None: the same)."""
        before = self._callback, self._cancel, self._fraction
        self._callback, self._cancel, self._fraction = progress, cancel or self._cancel, 0.0
        try:
            yield
        finally:
            self._callback, self._cancel, self._fraction = before
