"""The one verb: explain a classifier's score of a scan by counterfactuals.

Data flows one way: scan -> prepared grid -> latents -> gradient -> lambda -> change -> scan.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from ..events import CancelToken, ProgressCallback, Reporter
from ..models.autoencoder import AutoencoderLike
from ..models.classifier import ClassifierLike
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ..models.guarded.borrowed import borrowed
from ..models.guarded.stoppable import stoppable
from ..scans.scan import Scan
from ..setting_choices import AUTO_REGION
from .asked import begin, look, merged
from .environment import choose_device
from .evidence import ChunkCallback, collect_evidence
from .finish import finish
from .region import Region, check_region
from .regional import Regional, control, find_region
from .result import Explanation
from .settings import ExplainSettings
from .torch_state import run_state


def explain(
    scan: Scan | str | Path,
    classifier: str | Path | ClassifierLike = DEFAULT_CLASSIFIER,
    target: str | None = None,
    autoencoder: str | Path | AutoencoderLike = DEFAULT_AUTOENCODER,
    settings: ExplainSettings | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    region: Region | str | None = None,
    on_chunk: ChunkCallback | None = None,
    **options: Any,
) -> Explanation:
    """Find what the scan would have to look like for the classifier to change its score.

    Parameters
    ----------
    scan : Scan, str or Path
        A scan, or what `read_scan` reads; of a scan that isn't quite like HU but is, take
        `check_scan(scan, assume_hu=True)`.
    classifier, autoencoder : str or object
        Catalogue names, paths of cards, or any objects with the interfaces `ClassifierLike` and
        `AutoencoderLike`. They come back on the device and in the mode that they had; those of
        others get copies of their input and are asked twice (flag `not-reproducible`).
    target : str, optional
        Which of the classifier's targets; default: its first.
    settings : ExplainSettings, optional
        How to search. Single settings may be given as keywords instead: `chunk=5`.
    progress : callable, optional
        Gets an `Event` at each step.
    cancel : CancelToken, optional
        Any thread may set it; the run then raises `Cancelled` within one layer of a network.
    region : Region or str, optional
        Only its voxels may change; see `counterfactual.region`. `auto` finds one: where the scan
        changes most without a region; see `counterfactual.auto_region`.
    on_chunk : callable, optional
        Gets the `Outcome` and the `ChunkHeatmap` of each chunk as soon as it is searched, before
        the chunk's event.

    Returns
    -------
    Explanation
        With volumes on the scan's own grid; `outputs.write_result` puts it in a folder.

    Raises
    ------
    ScanError, ModelError, SettingsError
        With what was found and what to do.
    Cancelled
        If `cancel` was set.
    """
    started = perf_counter()
    settings = merged(settings, options)
    check_region(region, settings)
    reporter = Reporter(progress, cancel)
    device = choose_device(settings.device)
    with run_state(settings.seed, device):
        asked = look(scan, classifier, target, autoencoder, settings, region, reporter)
        with (
            borrowed(asked.networks, device),
            stoppable(asked.networks, reporter.check),
        ):
            run = begin(asked, device, reporter)
            prepared, on_grids = asked.prepared, asked.region
            regional = Regional(run, on_grids)
            if region == AUTO_REGION:
                regional = find_region(run, prepared, on_grids)
            evidence = collect_evidence(regional.run, prepared, regional.region, on_chunk)
            if asked.settings.region_controls:
                regional = control(regional, prepared, evidence.whole)
            return finish(regional, prepared, evidence, asked.wanted, started)
