"""One run up to the found lambdas: encode, decode once, gradient, searches."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import torch

from ..events import Reporter
from ..models.autoencoder import SliceAutoencoder
from ..models.classifier import Classifier
from ..scans.grid import PreparedScan
from .chunks import chunk_ranges, search_range
from .gradient import (
    decode_slices,
    encode_slices,
    latent_gradient,
    score_volume,
    volume_gradient,
)
from .result import Outcome
from .settings import ExplainSettings
from .workspace import Workspace

# Share of a run's time by the end of each step; measured on full chests, only for the progress bar.
ENCODED, GRADIENT, SEARCHED = 0.20, 0.32, 0.90


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
    """

    def __init__(
        self,
        autoencoder: SliceAutoencoder,
        classifier: Classifier,
        target: str,
        settings: ExplainSettings,
        prepared: PreparedScan,
        reporter: Reporter,
        device: torch.device,
    ):
        self.autoencoder = autoencoder
        self.classifier = classifier
        self.target = target
        self.settings = settings
        self.prepared = prepared
        self.reporter = reporter
        self.device = device
        self.seconds = {"encode": 0.0, "gradient": 0.0, "search": 0.0}
        # (K, J, I) -> (D, 1, H, W): a prepared slice is one channel of the slice autoencoder
        self.x = torch.from_numpy(prepared.volume)[:, None].to(device)

    def search(self) -> tuple[Outcome | None, tuple[Outcome, ...]]:
        """Run all searches that the mode asks for; return (whole, chunks)."""
        self._encode()
        self._differentiate()
        started = perf_counter()
        ranges = []
        if self.settings.mode != "chunks":
            ranges.append((0, self.prepared.slices))
        if self.settings.mode != "whole":
            ranges += chunk_ranges(self.prepared.slices, self.settings.chunk)
        outcomes = []
        for number, (start, stop) in enumerate(ranges, start=1):
            outcome = search_range(self.workspace, self.prepared, start, stop)
            outcomes.append(outcome)
            done = GRADIENT + (SEARCHED - GRADIENT) * number / len(ranges)
            self._report(outcome, number, len(ranges), done)
        self.seconds["search"] = perf_counter() - started
        if self.settings.mode == "chunks":
            return None, tuple(outcomes)
        return outcomes[0], tuple(outcomes[1:])

    def change(self, outcome: Outcome) -> np.ndarray:
        """Return the change that an outcome found: (stop - start, J, I), 0..1 intensities."""
        start, stop = outcome.start, outcome.stop
        changed = self.x[start:stop]
        if outcome.lam != 0:
            changed = self.workspace.changed(outcome.lam, start, stop)
        elif self.settings.baseline == "reconstruction":
            changed = self.decoded[start:stop]
        return (changed - self.x[start:stop])[:, 0].cpu().numpy()

    def score_prepared(self, volume: np.ndarray) -> float:
        """Return the score of a prepared volume (K, J, I)."""
        slices = torch.from_numpy(volume)[:, None].to(self.device)  # (K, J, I) -> (D, 1, H, W)
        return score_volume(self.classifier, self.target, slices)

    def decode_ratio(self, volume: np.ndarray) -> float:
        """Return how much worse a volume (K, J, I) is redrawn than the scan: 1 is "as well"."""
        slices = torch.from_numpy(volume)[:, None].to(self.device)  # (K, J, I) -> (D, 1, H, W)
        latents = encode_slices(self.autoencoder, slices, self.reporter)
        decoded = decode_slices(self.autoencoder, latents, volume.shape[1:], self.reporter)
        before = float((self.decoded - self.x).abs().mean())
        return float((decoded - slices).abs().mean()) / max(before, np.finfo(np.float32).tiny)

    def _encode(self) -> None:
        started = perf_counter()
        self.latents = encode_slices(self.autoencoder, self.x, self.reporter)
        size = tuple(self.x.shape[-2:])
        self.decoded = decode_slices(self.autoencoder, self.latents, size, self.reporter)
        self.original_score = score_volume(self.classifier, self.target, self.x)
        self.decoded_score = score_volume(self.classifier, self.target, self.decoded)
        self.seconds["encode"] = perf_counter() - started
        self.reporter.report(
            "encoded",
            f"Encoded and decoded; score of the scan {self.original_score:.4g}, of its "
            f"reconstruction {self.decoded_score:.4g}",
            ENCODED, score=self.original_score, reconstruction=self.decoded_score,
        )

    def _differentiate(self) -> None:
        started = perf_counter()
        on_scan = self.settings.baseline == "scan"
        score, image_gradient = volume_gradient(
            self.classifier, self.target, self.x if on_scan else self.decoded
        )
        gradient = latent_gradient(self.autoencoder, self.latents, image_gradient, self.reporter)
        self.workspace = Workspace(
            self.autoencoder, self.classifier, self.target, self.settings, self.x, self.decoded,
            self.latents, gradient, score, self.reporter,
        )
        self.seconds["gradient"] = perf_counter() - started
        self.reporter.report("gradient", "Gradient of all slices found", GRADIENT)

    def _report(self, outcome: Outcome, number: int, total: int, fraction: float) -> None:
        whole = self.settings.mode != "chunks" and number == 1
        first_chunk = 0 if self.settings.mode == "chunks" else 1
        data = {
            "start": outcome.start, "stop": outcome.stop, "lambda": outcome.lam,
            "score_before": outcome.score_before, "score_after": outcome.score_after,
            "stop_reason": outcome.stop_reason, "change": outcome.change,
        }
        if whole:
            name = "Whole volume"
        else:
            data |= {"number": number - first_chunk, "of": total - first_chunk}
            name = f"Chunk {data['number']} of {data['of']}, slices {outcome.start}-{outcome.stop}"
        self.reporter.report(
            "whole" if whole else "chunk",
            f"{name}: score {outcome.score_before:.4g} -> {outcome.score_after:.4g} "
            f"({outcome.stop_reason})",
            fraction, **data,
        )
