"""Chunk heatmaps as files while a job runs, for whoever watches it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ..counterfactual.result import ChunkHeatmap, Outcome
from ..errors import OutputError
from ..events import Event, ProgressCallback
from ..outputs.volumes import heatmap_file, write_image
from ..storage.atomic import made_parents, whole_file
from ..storage.names import check_name, reason


class Stream:
    """Writes chunk heatmaps as they come, each complete or not at all, and names them in events."""

    def __init__(self, folder: Path | None, progress: ProgressCallback | None):
        self._folder = folder
        self._progress = progress
        self._files: dict[tuple[int, int], Path] = {}

    def on_chunk(self, outcome: Outcome, heatmap: ChunkHeatmap) -> None:
        """Write the heatmap of a chunk that is done."""
        if self._folder is None:
            return
        path = self._folder / Path(heatmap_file(heatmap.start, heatmap.stop)).name
        with whole_file(path) as partial:
            write_image(heatmap.image, partial)
        self._files[outcome.start, outcome.stop] = path

    def on_event(self, event: Event) -> None:
        """Hand an event on; that of a chunk with its file (`heatmap`)."""
        if self._progress is None:
            return
        if event.step == "chunk":
            file = self._files.get((event.data["start"], event.data["stop"]))
            if file:
                event = replace(event, data={**event.data, "heatmap": str(file)})
        self._progress(event)

    def remove(self) -> None:
        """Remove the files that were written."""
        for path in self._files.values():
            with suppress(OSError):
                path.unlink()


@contextmanager
def open_stream(folder: str | None, progress: ProgressCallback | None) -> Iterator[Stream]:
    """Yield a stream into a folder, made if it lacks; if the block fails, its files go again.

    Raises
    ------
    OutputError
        If the folder can't be written to.
    """
    if folder is None:
        yield Stream(None, progress)
        return
    path = check_name(folder)
    try:
        with made_parents(path / "chunk"):
            stream = Stream(path, progress)
            try:
                yield stream
            except BaseException:
                stream.remove()
                raise
    except OSError as error:
        raise OutputError(
            f"Cannot write into {folder}: {reason(error)}. Choose another folder."
        ) from error
