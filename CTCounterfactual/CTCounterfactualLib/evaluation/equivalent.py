"""Results of scans that are no CT, as if they were in HU: metrics whose limits count in HU.

Limits in HU (what is visible, a window) are of another modality the same shares of its range as
they are of the usual window of 2000 HU: as in a run (`counterfactual.modality`). The range is that
of the scan itself, so that no classifier is needed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..scans.hounsfield import IntensityWindow
from ..scans.modality import CT, HU_RANGE, PERCENTILE, UNIT_OF_CT, USUAL_WINDOWS, window_of
from ..scans.scan import Scan
from .definitions import METRICS, base_of
from .subject import Subject
from .truth import Truth


def range_of(scan: Scan) -> tuple[float, float]:
    """Return what becomes the ends of the usual window, in the scan's own unit."""
    if scan.modality == CT:
        window = IntensityWindow()
        return window.low_hu, window.high_hu
    return window_of(scan.array, PERCENTILE, *USUAL_WINDOWS[PERCENTILE], scan.name)


def step_of(scan: Scan) -> float:
    """Return how much of the scan's own unit 1 HU stands for: 1 of CT."""
    low, high = range_of(scan)
    return (high - low) / HU_RANGE if scan.modality != CT else 1.0


def in_equivalent_hu(subject: Subject, truth: Truth) -> tuple[Subject, Truth]:
    """Return a subject and its truth with all volumes in HU, as far as numbers go."""
    low, _ = range_of(subject.scan)
    step, lowest = step_of(subject.scan), IntensityWindow().low_hu

    def hu(values: np.ndarray) -> np.ndarray:
        return ((values.astype(np.float32) - low) / step + lowest).astype(np.float32)

    volumes = subject.volumes
    scan = subject.scan.with_voxels(hu(subject.scan.array))
    levels = None if volumes.levels is None else volumes.levels / step
    changed, back, clean = (
        None if values is None else hu(values)
        for values in (volumes.changed, volumes.back, truth.clean)
    )
    volumes = replace(volumes, changed=changed, back=back, levels=levels)
    return replace(subject, scan=scan, volumes=volumes), replace(truth, clean=clean)


def in_own_unit(metrics: dict[str, float], step: float) -> dict[str, float]:
    """Return metrics with those in HU turned back into the scan's own unit."""
    return {
        name: value * step if METRICS[base_of(name)].unit == UNIT_OF_CT else value
        for name, value in metrics.items()
    }
