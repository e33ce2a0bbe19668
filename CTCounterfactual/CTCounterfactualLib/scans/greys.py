"""Which values of a scan are drawn from black to white."""

from __future__ import annotations

from .modality import CT, PERCENTILE, window_of
from .scan import Scan

# A lung window that still tells fat from muscle: what moves is as often a border as lung itself.
WINDOW_HU, LEVEL_HU = 1600.0, -500.0
CT_GREYS = LEVEL_HU - WINDOW_HU / 2, LEVEL_HU + WINDOW_HU / 2
# Of any other scan, percent of its voxels but the background.
SHOWN_PERCENT = (1.0, 99.5)


def greys_of(scan: Scan) -> tuple[float, float]:
    """Return what is black and what is white, in the scan's own unit."""
    if scan.modality == CT:
        return CT_GREYS
    return window_of(scan.array, PERCENTILE, *SHOWN_PERCENT, scan.name)
