"""The engine's side of the whole-classifier cases: the scan, and the paper's axes."""

from __future__ import annotations

from dataclasses import replace

import torch

from CTCounterfactualLib.models.classifier import Classifier
from CTCounterfactualLib.scans.grid import PreparedScan, prepare
from CTCounterfactualLib.scans.scan import Scan
from published_problems import GRID_SPACING, KEPT, STORED_DIRECTION, WHOLE_CASES, scan_on_grid


def prepare_for(classifier: type[Classifier], name: str) -> PreparedScan:
    """Return a case's scan as `prepare` makes it for a classifier, at the case's size in plane."""
    hu = scan_on_grid(name)
    scan = Scan.from_array(hu, GRID_SPACING, (10.0, -20.0, 300.0), STORED_DIRECTION)
    side = WHOLE_CASES[name][0]
    return prepare(scan, replace(classifier.grid, crop=(side, side)))


def as_batch(prepared: PreparedScan, dtype: torch.dtype) -> torch.Tensor:
    """Return a prepared volume as a classifier takes it, for a gradient: (1, 1, D, J, I)."""
    return torch.from_numpy(prepared.volume)[None, None].to(dtype).requires_grad_(True)


def paper_axes(name: str, values: torch.Tensor) -> torch.Tensor:
    """Return what a fixture keeps of a volume (D, J, I), J to Anterior and I to Right.

    The paper's data set turns slices: H grows to Posterior and W to Left.
    """
    return values.flip(-2, -1)[KEPT[name]]
