"""How well the autoencoder redraws the scan, before anything is changed: the self-check of a model.

A wrong output mapping, orientation or resize shows here, on the user's own scan, as low contrast
or as a low peak signal-to-noise ratio. (The paper's own code decodes with (y + 2) / 4 where the
inverse of its input mapping is (y + 1) / 2, which halves the contrast of every picture.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from .result import Flag

# Below this a chest in its body is no longer recognised in detail; a small VQ-GAN reaches 25 dB.
LOW_PSNR_DB = 20.0
# A decoder blurs, which costs a little contrast; a slope outside this is another intensity scale.
SLOPE_RANGE = (0.8, 1.25)
# Intensity (0..1) that tells the body from the air around and in it; -500 HU in the usual window.
BODY_ABOVE = 0.25
# Slices looked at together.
SLICES = 16


@dataclass(frozen=True)
class Reconstruction:
    """Agreement of D(E(x)) with x.

    Parameters
    ----------
    psnr_db : float
        Peak signal-to-noise ratio within the body, dB, peak 1; infinite if they are equal.
    slope : float
        Of the straight line from x to D(E(x)) through all voxels: 1 is the same contrast.
    """

    psnr_db: float
    slope: float


def compare(x: torch.Tensor, decoded: torch.Tensor) -> Reconstruction:
    """Compare a prepared scan with its reconstruction; both (D, 1, H, W), 0..1."""
    error = _squared_error(x, decoded)
    psnr = float("inf") if error == 0 else float(-10 * torch.log10(torch.tensor(error)))
    return Reconstruction(psnr, _slope(x, decoded))


def flags_of(reconstruction: Reconstruction) -> tuple[Flag, ...]:
    """Return what speaks against the autoencoder, or against its card's mappings."""
    flags = []
    low, high = SLOPE_RANGE
    if not low <= reconstruction.slope <= high:
        flags.append(Flag(
            "autoencoder-contrast",
            f"The autoencoder's picture of the scan has {reconstruction.slope:.2f} times its "
            f"contrast: the intensity mapping of its card (to_network, from_network) is wrong, or "
            f"it was trained on another intensity range.",
        ))
    if reconstruction.psnr_db < LOW_PSNR_DB:
        flags.append(Flag(
            "autoencoder-fidelity",
            f"The autoencoder redraws this scan badly ({reconstruction.psnr_db:.1f} dB in the "
            f"body): wrong orientation, size or kind of scan for it? Its changes may not be "
            f"anatomy.",
        ))
    return tuple(flags)


def _squared_error(x: torch.Tensor, decoded: torch.Tensor) -> float:
    """Return the mean squared error in the body; everywhere if there is none."""
    body = x > BODY_ABOVE
    if not body.any():
        body[:] = True
    total = sum(
        ((a - b).square() * inside).sum(dtype=torch.float64)
        for a, b, inside in _slices(x, decoded, body)
    )
    return float(total / body.sum())


def _slope(x: torch.Tensor, decoded: torch.Tensor) -> float:
    """Return the least-squares slope of `decoded` on `x`; 1 for a scan without any contrast."""
    mean = sum(a.sum(dtype=torch.float64) for (a,) in _slices(x)) / x.numel()
    variance = covariance = torch.zeros((), dtype=torch.float64)
    for a, b in _slices(x, decoded):
        centred = a.double() - mean
        variance = variance + centred.square().sum()
        covariance = covariance + (centred * b.double()).sum()
    return float(covariance / variance) if variance > 0 else 1.0


def _slices(*volumes: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield the same few slices of each volume (D, 1, H, W): float64 copies of all are large."""
    return zip(*(volume.split(SLICES) for volume in volumes), strict=True)
