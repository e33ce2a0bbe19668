"""A chest CT made in a process of its own: Slicer goes on meanwhile."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from CTCounterfactualLib.jobs.outcome import DONE, WorkerOutcome

from .model_files import WorkerJob

FILE = "chest.nrrd"


class ChestJob(WorkerJob):
    """Make a chest CT by the verb `generate` and add it to the scene when it is there.

    Attributes
    ----------
    node : vtkMRMLScalarVolumeNode or None
        The volume, once it is done.
    """

    def __init__(self, scene, name: str, options: tuple[str, ...] = (), **how: Any):
        self._scene, self._name = scene, name
        self.node = None
        self._folder = Path(tempfile.mkdtemp(prefix="ct-counterfactual-chest-"))
        super().__init__(("generate", self._folder / FILE, *options), None, **how)

    def _end(self, outcome: WorkerOutcome) -> None:
        # Here, because Slicer loads this file when it starts.
        from CTCounterfactualLib.scans.scan import Scan
        from CTCounterfactualLib.scene.make import volumes

        try:
            if outcome.kind == DONE:
                scan = Scan(sitk.ReadImage(str(self._folder / FILE)), self._name)
                unique = self._scene.GetUniqueNameByString(self._name)
                self.node = volumes.add_scan(self._scene, scan, unique)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        super()._end(outcome)
