"""What a run does otherwise where the scan is no CT, and what it refuses.

Of numbers that aren't HU no tissue is known: change goes everywhere in the field of view, bounds of
tissue and the picture's plausibility are left out, and limits that count in HU keep their share of
the range of intensities. The result says so by a flag.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..models.classifier import Classifier
from ..scans.checks import check_scan
from ..scans.grid import PreparedScan
from ..scans.modality import CT, HU_RANGE
from ..scans.read import read_scan
from ..scans.scan import Scan
from .result import Flag
from .settings import ExplainSettings

NOT_CT = "not-ct"


def scan_for(classifier: Classifier, scan: Scan | str | Path) -> Scan:
    """Return a scan, checked, or read as what the classifier is for.

    Raises
    ------
    ScanError
        As `read_scan` and `check_scan`.
    """
    if isinstance(scan, Scan):
        return check_scan(scan)
    return read_scan(scan, modality=classifier.grid.modality)


def check_draws(autoencoder: Any, classifier: Classifier) -> None:
    """Raise `ModelError` unless an autoencoder draws the scans that a classifier is for."""
    drawn, wanted = str(getattr(autoencoder, "modality", CT)), classifier.grid.modality
    if drawn != wanted:
        name = getattr(autoencoder, "name", None) or type(autoencoder).__name__
        raise ModelError(
            f"Autoencoder {name} draws {drawn}, and classifier {classifier.name} is for {wanted}: "
            f"give an autoencoder whose card says modality {wanted}, or use a method that needs "
            f"none (responsibility, occlusion)."
        )


def settings_for(prepared: PreparedScan, settings: ExplainSettings) -> ExplainSettings:
    """Return settings with the levels of a heatmap in the scan's own unit; of CT as they are."""
    if prepared.spec.is_ct:
        return settings
    step = prepared.spec.window.hu_per_unit / HU_RANGE
    return replace(settings, level_edges=tuple(edge * step for edge in settings.level_edges))


def modality_flags(prepared: PreparedScan) -> tuple[Flag, ...]:
    """Return what wasn't done because the scan is no CT."""
    spec = prepared.spec
    if spec.is_ct:
        return ()
    low, high = spec.window.low_hu, spec.window.high_hu
    return (
        Flag(
            NOT_CT,
            f"The scan is {spec.modality}, its numbers are no HU ({low:.4g} to {high:.4g} became "
            f"0 to 1): body and lungs weren't looked for, and no check knows its tissues.",
        ),
    )
