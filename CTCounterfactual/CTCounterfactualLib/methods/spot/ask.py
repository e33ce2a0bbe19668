"""Ask a spot from Python: the verb of the method `spot`."""

from __future__ import annotations

from pathlib import Path

from ...counterfactual.settings import ExplainSettings
from ...events import CancelToken, ProgressCallback
from ...models.autoencoder import AutoencoderLike
from ...models.classifier import ClassifierLike
from ...models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ...scans.scan import Scan
from ..attribute import attribute
from .answer import Point, SpotAnswer
from .method import METHOD


def ask_spot(
    scan: Scan | str | Path,
    at: Point,
    radius_mm: float = 10.0,
    classifier: str | Path | ClassifierLike = DEFAULT_CLASSIFIER,
    target: str | None = None,
    autoencoder: str | AutoencoderLike = DEFAULT_AUTOENCODER,
    controls: int = 20,
    settings: ExplainSettings | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> SpotAnswer:
    """Find how a classifier's score depends on one place.

    Parameters
    ----------
    at : tuple of float
        R, A, S of the spot's centre, mm.
    radius_mm : float
        Its radius.
    controls : int
        Spots of that radius at random in the body, drawn by the settings' seed.
    scan, classifier, target, autoencoder, settings, progress, cancel
        As for `attribute`. A black box is asked too, but for the counterfactual.

    Raises
    ------
    ScanError
        If the spot lies outside the scan or the body.
    SettingsError, ModelError, Cancelled
        As for `attribute`.
    """
    options = {"at": ",".join(f"{v:.10g}" for v in at), "radius_mm": radius_mm,
               "controls": controls}  # fmt: skip
    found = attribute(
        scan, METHOD, classifier, target, options, autoencoder, settings, progress, cancel
    )
    return SpotAnswer.from_facts(found.facts["spot"])
