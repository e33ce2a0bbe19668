"""Checks of a slice autoencoder: shapes, intensities, and a gradient through its decoder."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch

from ....scans.grid import GridSpec, PreparedScan
from ...autoencoder import AutoencoderLike
from ...guarded.autoencoder import GuardedAutoencoder
from ...guarded.borrowed import borrowed
from ...guarded.calling import ordinary_tensors
from ...reconstruction import compare
from .findings import FAILED, NOTE, OK, WARNING, Finding, Findings
from .gradient import check_gradient

# In plane as models see it by default; slices farther apart, as only a few are run.
CHECKED_AT = GridSpec(spacing=(1.5, 1.5, 6.0))
# Slices that are run: spread over the chest, few enough for a large network on a CPU.
SLICES = 4
SAME = 1e-3


def check_autoencoder(
    autoencoder: AutoencoderLike,
    prepared: PreparedScan,
    device: torch.device | str = "cpu",
    listener: Callable[[Finding], None] | None = None,
) -> list[Finding]:
    """Run all checks on slices of a prepared scan; see `check_classifier`."""
    with borrowed((autoencoder,), torch.device(device)), ordinary_tensors(gradient=True):
        return _AutoencoderCheck(autoencoder, prepared, device, listener).run()


class _AutoencoderCheck:
    def __init__(self, autoencoder, prepared, device, listener):
        self.autoencoder = GuardedAutoencoder(autoencoder)
        chosen = np.linspace(0, prepared.slices - 1, SLICES + 2).round().astype(int)[1:-1]
        # (K, J, I) -> (n, 1, H, W)
        self.x = torch.from_numpy(prepared.volume[chosen])[:, None].to(device)
        self.findings = Findings(listener)

    def run(self) -> list[Finding]:
        findings = self.findings
        shape = " x ".join(map(str, self.x.shape[-2:]))
        findings.add("input", NOTE, f"{len(self.x)} slices of {shape} of a generated chest")
        if not findings.run("encode, decode", self._check_shapes):
            return findings
        findings.run("intensities", self._check_intensities)
        findings.run("deterministic", self._check_deterministic)
        findings.run("slice by slice", self._check_slices)
        findings.run("odd sizes", self._check_odd)
        findings.run("gradient", self._check_gradient)
        return findings

    def _redraw(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return self.autoencoder.decode(self.autoencoder.encode(x), _size(x))

    def _check_shapes(self) -> tuple[str, str]:
        started = perf_counter()
        with torch.no_grad():
            latents = self.autoencoder.encode(self.x)
            self.decoded = self.autoencoder.decode(latents, _size(self.x))
        seconds = perf_counter() - started
        if self.decoded.shape != self.x.shape:
            return FAILED, (
                f"{tuple(self.x.shape)} came back as {tuple(self.decoded.shape)}; is "
                f"`factor` right?"
            )
        if not (torch.isfinite(latents).all() and torch.isfinite(self.decoded).all()):
            return FAILED, "latents or slices are not finite; look for NaN in the weights"
        channels, height, width = latents.shape[1:]
        return OK, (
            f"latents {channels} x {height} x {width} a slice; {seconds / len(self.x):.2g} s a "
            f"slice on {self.x.device}"
        )

    def _check_intensities(self) -> tuple[str, str]:
        likeness = compare(self.x, self.decoded.clamp(0, 1))
        found = f"PSNR {likeness.psnr_db:.1f} dB, contrast {likeness.slope:.2f} of the scan's"
        advice = "Is from_network the inverse of to_network, and are the weights those of the card?"
        if not likeness.possible_contrast:
            return FAILED, f"{found}. {advice}"
        if not likeness.good_contrast or not likeness.good_fidelity:
            return WARNING, f"{found}: a poor likeness. {advice}"
        return OK, found

    def _check_deterministic(self) -> tuple[str, str]:
        if torch.equal(self._redraw(self.x), self.decoded):
            return OK, "twice the same slices"
        return FAILED, (
            "two runs differ: does encode sample, as a KL autoencoder may? It must return the mean"
        )

    def _check_slices(self) -> tuple[str, str]:
        alone = torch.cat([self._redraw(part) for part in self.x.split(1)])
        worst = float((alone - self.decoded).abs().max())
        if worst > SAME:
            return FAILED, f"slices depend on others in the batch (by {worst:.2g} of 0..1)"
        return OK, "each slice is the same alone and with others"

    def _check_odd(self) -> tuple[str, str]:
        cut = self.x[..., :-1, :-3]
        decoded = self._redraw(cut)
        if decoded.shape != cut.shape:
            return FAILED, f"{tuple(cut.shape)} came back as {tuple(decoded.shape)}"
        return OK, f"{cut.shape[-2]} x {cut.shape[-1]} pixels come back whole"

    def _check_gradient(self) -> tuple[str, str]:
        with torch.no_grad():
            latents = self.autoencoder.encode(self.x[:1])
        size = _size(self.x)
        weights = self.x[:1]

        def brightness(z: torch.Tensor) -> torch.Tensor:
            return (self.autoencoder.decode(z, size) * weights).mean()

        span = float(latents.max() - latents.min()) or 1.0
        status, message, _ = check_gradient(brightness, latents, span)
        return status, f"through decode: {message}"


def _size(x: torch.Tensor) -> tuple[int, int]:
    """Return (H, W) of slices (N, 1, H, W)."""
    return x.shape[-2], x.shape[-1]
