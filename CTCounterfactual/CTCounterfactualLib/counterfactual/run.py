"""One run up to the found lambdas: encode, decode once, gradient, searches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch

from ..events import Reporter
from ..models.classifier import Classifier
from ..models.guarded.autoencoder import GuardedAutoencoder
from ..scans.grid import PreparedScan
from .chunks import chunk_ranges, search_range
from .gradient import (
    decode_slices,
    encode_slices,
    latent_gradient,
    score_volume,
    volume_gradient,
)
from .region import PreparedRegion, latent_cells
from .result import ChunkHeatmap, Outcome
from .search import stopping
from .search.adaptive import Pace
from .settings import ExplainSettings
from .workspace import Workspace
from .write_back import chunk_heatmap

# Share of a run's time by the end of each step; measured on full chests, only for the progress bar.
ENCODED, GRADIENT, SEARCHED, FRAMED = 0.20, 0.32, 0.85, 0.95
# Slices that tell how well a changed volume is redrawn: an average over these is near that of all.
REDRAWN_SLICES = 32

ChunkCallback = Callable[[Outcome, ChunkHeatmap], None]


@dataclass(frozen=True)
class Searched:
    """All searches of a run.

    Parameters
    ----------
    whole : Outcome or None
        Over all slices together; None in mode `chunks`.
    chunks : tuple of Outcome
        Over each chunk; empty in mode `whole`.
    heatmaps : tuple of ChunkHeatmap
        One per chunk.
    change : numpy.ndarray
        (K, J, I), 0..1 intensities: the change to show, the whole search's, or without one that of
        all chunks together.
    """

    whole: Outcome | None
    chunks: tuple[Outcome, ...]
    heatmaps: tuple[ChunkHeatmap, ...]
    change: np.ndarray

    @property
    def shown(self) -> tuple[Outcome, ...]:
        """The searches whose changes make up the counterfactual."""
        return (self.whole,) if self.whole else self.chunks

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every search, the whole one first."""
        return (*((self.whole,) if self.whole else ()), *self.chunks)


class Run:
    """State of one run; `search` does the work, the rest answers questions about what it found.

    Parameters
    ----------
    autoencoder, device
        Models and tensors live on `device`.
    classifier, target : Classifier, str
        Ready for the scan; name of its target.
    prepared : PreparedScan
        The scan on the classifier's grid.
    region : PreparedRegion or None
        Where the scan may change; None for everywhere.
    """

    def __init__(
        self,
        autoencoder: GuardedAutoencoder,
        classifier: Classifier,
        target: str,
        settings: ExplainSettings,
        prepared: PreparedScan,
        reporter: Reporter,
        device: torch.device,
        region: PreparedRegion | None = None,
    ):
        self.autoencoder = autoencoder
        self.classifier = classifier
        self.target = target
        self.settings = settings
        self.prepared = prepared
        self.reporter = reporter
        self.device = device
        self.region = region
        self.seconds = {"encode": 0.0, "gradient": 0.0, "search": 0.0}
        self.x = self._slices(prepared.volume)

    def search(self, on_chunk: ChunkCallback | None = None) -> Searched:
        """Run all searches that the mode asks for.

        `on_chunk` is told of each chunk as soon as it is searched, before the chunk's event.
        """
        self._encode()
        self._differentiate()
        started = perf_counter()
        mode, slices = self.settings.mode, self.prepared.slices
        ranges = [] if mode == "whole" else chunk_ranges(slices, self.settings.chunk)
        searches = len(ranges) + (mode != "chunks")
        pace = Pace()
        whole = None
        if mode != "chunks":
            whole = search_range(self.workspace, self.prepared, 0, slices, pace)
            shown = self.change(whole)
            self._report("whole", "Whole volume", whole, 1 / searches)
        chunks, heatmaps = [], []
        together = np.zeros(self.prepared.volume.shape, np.float32)
        for number, (start, stop) in enumerate(ranges, start=1):
            outcome = search_range(self.workspace, self.prepared, start, stop, pace)
            together[start:stop] = self.change(outcome)
            heatmap = chunk_heatmap(
                self.prepared, together[start:stop], outcome, self.settings.level_edges, self.region
            )
            chunks.append(outcome)
            heatmaps.append(heatmap)
            if on_chunk is not None:
                on_chunk(outcome, heatmap)
            self._report(
                "chunk", f"Chunk {number} of {len(ranges)}, slices {start}-{stop}", outcome,
                1 - (len(ranges) - number) / searches, number=number, of=len(ranges),
            )
        self.seconds["search"] = perf_counter() - started
        if whole is None:
            shown = together
        return Searched(whole, tuple(chunks), tuple(heatmaps), shown)

    def changes(self, outcomes: tuple[Outcome, ...], fraction: float) -> np.ndarray:
        """Return the changes at a fraction of each outcome's lambda: (K, J, I), 0..1."""
        together = np.zeros(self.prepared.volume.shape, np.float32)
        for outcome in outcomes:
            together[outcome.start : outcome.stop] = self.change(outcome, fraction)
        return together

    def change(self, outcome: Outcome, fraction: float = 1.0) -> np.ndarray:
        """Return the change at a fraction of an outcome's lambda.

        Returns
        -------
        numpy.ndarray
            (stop - start, J, I), 0..1 intensities.
        """
        start, stop = outcome.start, outcome.stop
        changed = self.x[start:stop]
        if outcome.lam != 0:
            changed = self.workspace.changed(fraction * outcome.lam, start, stop)
        elif self.settings.baseline == "reconstruction":
            changed = self.decoded[start:stop]
        return (changed - self.x[start:stop])[:, 0].cpu().numpy()

    def score_prepared(self, volume: np.ndarray) -> float:
        """Return the score of a prepared volume (K, J, I)."""
        return score_volume(self.classifier, self.target, self._slices(volume))

    def decode_ratio(self, volume: np.ndarray) -> float:
        """Return how much worse a volume (K, J, I) is redrawn than the scan: 1 is "as well".

        Told by evenly spaced slices, `REDRAWN_SLICES` at most about.
        """
        every = slice(None, None, max(1, round(len(volume) / REDRAWN_SLICES)))
        slices = self._slices(volume[every])
        latents = encode_slices(self.autoencoder, slices, self.reporter)
        again = decode_slices(
            self.autoencoder, latents, (volume.shape[1], volume.shape[2]), self.reporter,
            self.settings.clipped,
        )
        before = float((self.decoded[every] - self.x[every]).abs().mean())
        return float((again - slices).abs().mean()) / max(before, float(np.finfo(np.float32).tiny))

    def _slices(self, volume: np.ndarray) -> torch.Tensor:
        """Return (K, J, I) as (D, 1, H, W) on the device: a slice is one channel of an image."""
        return torch.from_numpy(volume)[:, None].to(self.device)

    def _encode(self) -> None:
        started = perf_counter()
        self.latents = encode_slices(self.autoencoder, self.x, self.reporter)
        self.seconds["encode"] = perf_counter() - started

    def _differentiate(self) -> None:
        """Decode, score and differentiate; at the scan itself each slice is decoded once for all.

        (At the reconstruction, the classifier's gradient is wanted there, so it comes first.)
        """
        started = perf_counter()
        on_scan = self.settings.baseline == "scan"
        if on_scan:
            self.decoded = torch.empty_like(self.x)
        else:
            size = (self.x.shape[-2], self.x.shape[-1])
            self.decoded = decode_slices(
                self.autoencoder, self.latents, size, self.reporter, self.settings.clipped
            )
        begun, other = (self.x, self.decoded) if on_scan else (self.decoded, self.x)
        score, image_gradient = volume_gradient(self.classifier, self.target, begun)
        weight, cells = None, None
        if self.region is not None:
            weight = self._slices(self.region.weight)
            seen = self.autoencoder.on_network_grid(weight)[:, 0].cpu().numpy()
            cells = self._slices(latent_cells(seen, self.autoencoder.factor))
        gradient = latent_gradient(
            self.autoencoder, self.latents, image_gradient, self.reporter, weight, cells,
            self.decoded if on_scan else None, self.settings.clipped,
        )
        scores = score, score_volume(self.classifier, self.target, other)
        self.original_score, self.decoded_score = scores if on_scan else scores[::-1]
        self.workspace = Workspace(
            self.autoencoder, self.classifier, self.target, self.settings, self.x, self.decoded,
            self.latents, gradient, score, self.reporter, weight,
        )
        self.seconds["gradient"] = perf_counter() - started
        self.reporter.report(
            "encoded",
            f"Encoded and decoded; score of the scan {self.original_score:.4g}, of its "
            f"reconstruction {self.decoded_score:.4g}",
            ENCODED, score=self.original_score, reconstruction=self.decoded_score,
        )
        self.reporter.report("gradient", "Gradient of all slices found", GRADIENT)

    def _report(
        self, step: str, name: str, outcome: Outcome, searched: float, **data: int
    ) -> None:
        told = f"score {outcome.score_before:.4g} -> {outcome.score_after:.4g}"
        if outcome.stop_reason == stopping.OUTSIDE_REGION:
            told = "not searched"
        self.reporter.report(
            step,
            f"{name}: {told} ({outcome.stop_reason})",
            GRADIENT + (SEARCHED - GRADIENT) * searched,
            start=outcome.start, stop=outcome.stop, **{"lambda": outcome.lam},
            direction=outcome.direction,
            score_before=outcome.score_before, score_after=outcome.score_after,
            stop_reason=outcome.stop_reason, change=outcome.change,
            slab_mm=list(outcome.slab_mm), evaluations=outcome.evaluations, **data,
        )
