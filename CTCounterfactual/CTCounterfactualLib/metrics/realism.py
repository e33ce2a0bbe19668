"""Whether counterfactuals look like scans: distances between two sets of slices by named features.

    frechet  Frechet distance of Gaussians fitted to both sets' features (Dowson and Landau 1982; of
             network features: Heusel et al., "GANs trained by a two time-scale update rule", 2017)
    kernel   unbiased squared maximum mean discrepancy with the kernel (1 + u.v / d)^3 (Binkowski et
             al., "Demystifying MMD GANs", ICLR 2018): no bias from few slices, may be below 0

Features are counted from the first set's mean in its spread, so that no unit counts more. Those
here, `HU_TEXTURE`, are few and have names, and need no network; any others can be given. Slices of
one scan aren't independent: beside each distance stands the one between the scans' own even and odd
slices (`..._floor`), which is what two sets of real slices have.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from ..scans.hounsfield import IntensityWindow

# Of the body's voxels in a slice: shares of what no CT mistakes for another, means and roughness.
AIR_HU, LUNG_HU, FAT_HU, SOFT_HU, BONE_HU = -950.0, -500.0, -30.0, 120.0, 300.0
HU_TEXTURE = (
    "share of air",
    "share of lung",
    "share of fat and mixed",
    "share of soft tissue",
    "share of dense tissue",
    "share of bone",
    "mean HU of tissue",
    "spread of HU of tissue",
    "mean gradient",
    "mean second difference",
)
# Added to the covariances, as a share of a feature's variance: few slices leave them singular.
RIDGE = 1e-3
# A set of fewer slices says nothing; the floor needs twice as many.
LEAST_SLICES = 8


def hu_texture(volume: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Return the features `HU_TEXTURE` of each slice that shows the body: (N, 10), float64.

    Parameters
    ----------
    volume : numpy.ndarray
        (K, J, I), 0..1: a prepared scan.
    body : numpy.ndarray
        (K, J, I), bool; the same for a scan and its counterfactual.
    """
    hu = IntensityWindow().to_hu(volume)
    return np.array(
        [
            _of_slice(picture, inside)
            for picture, inside in zip(hu, body, strict=True)
            if inside[1:-1, 1:-1].any()
        ]
    ).reshape(-1, len(HU_TEXTURE))


def _of_slice(hu: np.ndarray, body: np.ndarray) -> list[float]:
    values = hu[body]
    edges = [-np.inf, AIR_HU, LUNG_HU, FAT_HU, SOFT_HU, BONE_HU, np.inf]
    shares = np.histogram(values, edges)[0] / values.size
    tissue = values[values > LUNG_HU]
    tissue = tissue if tissue.size else values
    inner = body[1:-1, 1:-1]
    down = (hu[2:, 1:-1] - hu[:-2, 1:-1])[inner] / 2
    along = (hu[1:-1, 2:] - hu[1:-1, :-2])[inner] / 2
    bend = hu[2:, 1:-1] + hu[:-2, 1:-1] + hu[1:-1, 2:] + hu[1:-1, :-2] - 4 * hu[1:-1, 1:-1]
    return [
        *shares,
        float(tissue.mean()),
        float(tissue.std()),
        float(np.hypot(down, along).mean()),
        float(np.abs(bend[inner]).mean()),
    ]


def realism(real: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Return `frechet`, `kernel`, their `..._floor`, and how many slices they are of.

    Parameters
    ----------
    real, other : numpy.ndarray
        (N, d) and (M, d): features of scans' slices, in their order, and of counterfactuals'.

    Returns
    -------
    dict
        `realism_slices` alone if there are fewer than `LEAST_SLICES` in a set; no floors if the
        real ones can't be halved.
    """
    found: dict[str, float] = {"realism_slices": float(min(len(real), len(other)))}
    if found["realism_slices"] < LEAST_SLICES:
        return found
    spread = real.std(axis=0)
    spread[spread == 0] = 1.0
    middle = real.mean(axis=0)
    real, other = (real - middle) / spread, (other - middle) / spread
    found |= {"frechet": frechet(real, other), "kernel": kernel(real, other)}
    even, odd = real[::2], real[1::2]
    if len(odd) >= LEAST_SLICES:
        found |= {"frechet_floor": frechet(even, odd), "kernel_floor": kernel(even, odd)}
    return found


def frechet(one: np.ndarray, other: np.ndarray) -> float:
    """Return |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)) of two sets (N, d)."""
    means = [part.mean(axis=0) for part in (one, other)]
    first, second = (_covariance(part) for part in (one, other))
    # trace((C1 C2)^(1/2)) from the eigenvalues of the product, which are real and not below 0.
    eigenvalues = linalg.eigvals(first @ second).real
    cross = float(np.sqrt(np.clip(eigenvalues, 0.0, None)).sum())
    gap = float(((means[0] - means[1]) ** 2).sum())
    return max(gap + float(np.trace(first) + np.trace(second)) - 2 * cross, 0.0)


def _covariance(part: np.ndarray) -> np.ndarray:
    found = np.cov(part, rowvar=False)
    return found + RIDGE * np.diag(np.diag(found))


def kernel(one: np.ndarray, other: np.ndarray) -> float:
    """Return the unbiased squared maximum mean discrepancy of two sets (N, d)."""

    def like(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(one), len(other)
    within_one, within_other = like(one, one), like(other, other)
    return float(
        (within_one.sum() - np.trace(within_one)) / (n * (n - 1))
        + (within_other.sum() - np.trace(within_other)) / (m * (m - 1))
        - 2 * like(one, other).mean()
    )
