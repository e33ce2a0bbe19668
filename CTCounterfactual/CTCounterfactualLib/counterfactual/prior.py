"""Steps that stay among latents as scans have them: lambda Sigma g instead of lambda g.

Latents of real slices fill few directions (of the 32 channels of `ct-vqgan-small` a third have less
than 1e-5 of the largest variance), and a gradient points mostly elsewhere, where no scan ever is.
If latents were Gaussian with covariance Sigma over their channels, then of all steps of the same
plausibility dz^T Sigma^-1 dz the one along Sigma g gains most. It stays a direction of ascent,
because Sigma has a floor (`FLOOR`), costs one small product, and leaves all else as it is: one
lambda, x at lambda = 0, the score of what is shown.

Sigma is that of the scan's own latents where it may change. So it is there for every autoencoder,
and knows the scanner, the kernel and the patient.

Correlation along the slices and in the plane is left out: both were tried, and spread the change
beyond the finding without a truer picture (Testing/Benchmarks/STEPS.md).
"""

from __future__ import annotations

import torch

# Share of the largest variance that every direction has at least: full rank, and where a scan has
# few latents nothing is forbidden that it merely doesn't happen to show.
FLOOR = 0.02


def covariance(latents: torch.Tensor, cells: torch.Tensor | None = None) -> torch.Tensor:
    """Return Sigma over the channels, its largest eigenvalue 1: (C, C), float64.

    Parameters
    ----------
    latents : torch.Tensor
        (D, C, h, w).
    cells : torch.Tensor, optional
        (D, 1, h, w), bool: those that count; None is all.
    """
    channels = latents.shape[1]
    values = latents.movedim(1, -1)  # (D, C, h, w) -> (D, h, w, C)
    values = (values.flatten(0, 2) if cells is None else values[cells[:, 0]]).double()
    one = torch.eye(channels, dtype=values.dtype, device=values.device)
    if len(values) < 2:
        return one
    away = values - values.mean(0)
    sigma = away.T @ away
    largest = torch.linalg.eigvalsh(sigma)[-1]
    if not largest > 0:
        return one
    return (1 - FLOOR) * sigma / largest + FLOOR * one


def plausible(gradient: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Return Sigma g: (D, C, h, w), of a gradient of that shape and Sigma (C, C)."""
    return torch.einsum("ce,dehw->dchw", sigma.to(gradient), gradient)
