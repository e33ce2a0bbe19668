"""A reader study in Slicer: the cases of one session in the views, by numbers that say nothing."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from CTCounterfactualLib.cohort.rows import RESULTS
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import worded_for
from CTCounterfactualLib.readers.pictures import volumes_of
from CTCounterfactualLib.readers.session import ReadingSession
from CTCounterfactualLib.scene.make import colors, volumes
from CTCounterfactualLib.wording import Place

# Of the change over the scan.
CHANGE_OPACITY = 0.5


class ReaderSession:
    """Shows one case after the other; made by `logic.readerStudy(...)`.

    `show()` puts the current case into the views, `answer(4, "small, left")` keeps the answer and
    shows the next one. Names in the scene are numbers: neither case nor patient is told.
    """

    def __init__(self, scene, study: str | Path, cohort: str | Path, reader: str, session: int):
        self._scene, self._cohort = scene, Path(cohort)
        with worded_for(Place.CONSOLE):
            self.reading = ReadingSession(study, reader, session)
        self.nodes: list = []

    def show(self) -> str:
        """Show the current case; return what to answer, or that it was the last."""
        row = self.reading.current
        if row is None:
            self.close()
            return f"{self.reading.progress}: that was the last case."
        with worded_for(Place.CONSOLE):
            images = volumes_of(self._cohort / RESULTS / row.case)
        self.close()
        shown = images if row.explained else images[:1]
        names = (row.number, f"{row.number} counterfactual", f"{row.number} change")
        self.nodes = [
            volumes.add_image(self._scene, image, name)
            for image, name in zip(shown, names, strict=False)
        ]
        for node in self.nodes[:2]:
            volumes.set_window(node, volumes.LUNG_WINDOW_HU, volumes.LUNG_LEVEL_HU)
        if row.explained:
            self._colour(self.nodes[2], images[2])
        self._lay_over()
        self.reading.shown()
        return (
            f"{self.reading.progress}. Is there: {self.reading.question}? "
            f"answer(1 surely not ... 5 surely)"
        )

    def _colour(self, change, image) -> None:
        """Give the change its colours, in a table of its own, which goes with the case."""
        edges = ExplainSettings().level_edges
        limit = colors.change_limit(sitk.GetArrayFromImage(image), edges)
        table = colors.add_change_colors(self._scene, edges[0], limit, f"{change.GetName()} colors")
        change.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
        volumes.set_window(change, 2 * limit, 0.0)
        self.nodes.append(table)

    def _lay_over(self) -> None:
        """Show the scan in all slice views, with the change over it where there is one."""
        kind = "vtkMRMLSliceCompositeNode"
        change = self.nodes[2].GetID() if len(self.nodes) > 2 else None
        for number in range(self._scene.GetNumberOfNodesByClass(kind)):
            view = self._scene.GetNthNodeByClass(number, kind)
            view.SetBackgroundVolumeID(self.nodes[0].GetID())
            view.SetForegroundVolumeID(change)
            view.SetForegroundOpacity(CHANGE_OPACITY)

    def answer(self, confidence: int, comment: str = "") -> str:
        """Keep the answer at once, and show the next case."""
        with worded_for(Place.CONSOLE):
            self.reading.answer(confidence, comment)
        return self.show()

    def close(self) -> None:
        """Take the case's nodes out of the scene, with how they were displayed."""
        for node in self.nodes:
            display = node.GetDisplayNode() if node.IsA("vtkMRMLVolumeNode") else None
            self._scene.RemoveNode(node)
            if display is not None:
                self._scene.RemoveNode(display)
        self.nodes = []
