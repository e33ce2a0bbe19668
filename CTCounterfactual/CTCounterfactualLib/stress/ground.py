"""A scan to put things into, turned to the patient's axes without interpolation, and back."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..bench.subject import Turn
from ..distractors import Patient
from ..errors import ScanError
from ..planting import Chest, ready_chest
from ..scans.grid import prepare
from ..scans.scan import Scan

# A voxel is lung if more than half of it is, as found on the prepared grid.
HALF = 0.5


class Ground:
    """A scan, turned, with its patient; lungs where there are any.

    Parameters
    ----------
    scan : Scan
        Checked.

    Raises
    ------
    ScanError
        If it lies more than 30 degrees from the patient's axes, or shows no patient.
    """

    def __init__(self, scan: Scan):
        self.scan = scan
        self.turn = Turn.of(scan)
        self.hu = self.turn.forth(scan.array).astype(np.float32)
        i, j, k = (scan.spacing[2 - axis] for axis in reversed(self.turn.order))
        self.spacing = (i, j, k)
        self.lungs, self.no_lungs = self._lungs()
        self.patient = Patient(self.hu, self.spacing, self.lungs, scan.name)

    @cached_property
    def chest(self) -> Chest:
        """The scan made ready for findings; raises `ScanError` if there is no room for any."""
        if self.lungs is None:
            raise ScanError(self.no_lungs)
        return ready_chest(self.hu, self.lungs, self.spacing, self.scan.name)

    def changed(self, hu: np.ndarray) -> Scan:
        """Return changed HU, (K, J, I) turned, as a scan like this one: its grid and its type."""
        kind = self.scan.array.dtype
        values = self.turn.back(hu)
        if kind.kind in "iu":
            info = np.iinfo(kind)
            values = np.rint(values).clip(info.min, info.max)
        return Scan(self.scan.with_array(values.astype(kind)), self.scan.name)

    def _lungs(self) -> tuple[np.ndarray | None, str]:
        """Return the lungs, or None and why there are none."""
        prepared = prepare(self.scan)
        try:
            lungs = prepared.lungs
        except ScanError as error:
            return None, error.text
        return self.turn.forth(prepared.to_scan_grid(lungs.astype(np.float32)) > HALF), ""
