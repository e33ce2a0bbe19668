"""How well an autoencoder redraws a scan, and what is too bad: for runs and for `check-model`.

A wrong output mapping, orientation or resize shows here, on the user's own scan, as low contrast
or as a low peak signal-to-noise ratio. (The paper's own code decodes with (y + 2) / 4 where the
inverse of its input mapping is (y + 1) / 2, which halves the contrast of every picture.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

# Below this a chest in its body is no longer recognised in detail; a small VQ-GAN reaches 25 dB.
LOW_PSNR_DB = 20.0
# Slopes: a decoder blurs, which costs a little contrast; outside the first the likeness is poor,
# outside the second it is surely another intensity scale (0.5 is what (y + 2) / 4 makes of -1..1).
GOOD_SLOPES, POSSIBLE_SLOPES = (0.8, 1.25), (0.6, 1.6)
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

    @property
    def good_contrast(self) -> bool:
        """Whether the contrast is that of the scan, but for a decoder's blur."""
        return GOOD_SLOPES[0] <= self.slope <= GOOD_SLOPES[1]

    @property
    def possible_contrast(self) -> bool:
        """Whether the intensity mappings can be right at all."""
        return POSSIBLE_SLOPES[0] <= self.slope <= POSSIBLE_SLOPES[1]

    @property
    def good_fidelity(self) -> bool:
        """Whether a chest can be recognised in detail."""
        return self.psnr_db >= LOW_PSNR_DB


def compare(x: torch.Tensor, decoded: torch.Tensor) -> Reconstruction:
    """Compare a prepared scan with its reconstruction; both (D, 1, H, W), 0..1."""
    error = _squared_error(x, decoded)
    psnr = float("inf") if error == 0 else float(-10 * torch.log10(torch.tensor(error)))
    return Reconstruction(psnr, _slope(x, decoded))


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
