"""How far volumes lie from real ones in the features of a named network (`models.backbones`).

Networks have thousands of features and there are a few scans: `realism.frechet`, for a few features
of many slices, would need the root of a singular matrix. The distance tells the network's name and
the numbers of volumes, since it depends on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from ..errors import SettingsError

# Least number of volumes that have a covariance.
LEAST = 2


@dataclass(frozen=True)
class SetDistance:
    """How far two sets of volumes lie apart in features.

    Parameters
    ----------
    features : str
        Name of the network, its layer and pooling.
    value : float
        In squared units of the features; 0 for equal sets.
    count, others : int
        Volumes in each set. Fewer of them make the Fréchet distance larger.
    """

    features: str
    value: float
    count: int
    others: int


def frechet_distance(features: str, ours: np.ndarray, real: np.ndarray) -> SetDistance:
    """Return the Fréchet distance of two sets' Gaussians, |m - m'|^2 + tr(C + C' - 2 (C C')^1/2).

    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", NeurIPS 2017. The root's trace is taken from the centred features themselves (the
    sum of the singular values of their product), which is exact for fewer volumes than features,
    where covariances are singular. Of more volumes than features a triangle of each set's QR
    decomposition stands for it, whose product has the same singular values.

    Parameters
    ----------
    features : str
        What they are features of, for the record.
    ours, real : numpy.ndarray
        (N, F) and (M, F), at least two rows each.

    Raises
    ------
    SettingsError
        If there are too few, or their features differ in number.
    """
    ours, real = _checked(ours, real)
    apart = ours.mean(0) - real.mean(0)
    a = (ours - ours.mean(0)) / np.sqrt(len(ours) - 1)  # C = a^T a
    b = (real - real.mean(0)) / np.sqrt(len(real) - 1)
    common = np.linalg.svd(_short(a) @ _short(b).T, compute_uv=False).sum()
    value = apart @ apart + np.square(a).sum() + np.square(b).sum() - 2 * common
    return SetDistance(features, max(float(value), 0.0), len(ours), len(real))


def perceptual_distance(maps: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> float:
    """Return how different two volumes look to a network: 0 for equal ones, at most 4.

    The mean over layers of the mean over places of |u - v|^2, u and v the channels at a place
    scaled to length 1. After Zhang et al., "The Unreasonable Effectiveness of Deep Features as a
    Perceptual Metric", CVPR 2018; without their weights of channels, which were fitted to people's
    judgement of photographs.

    Parameters
    ----------
    maps, others : sequence of torch.Tensor
        (1, C, ...) of each layer, for the one volume and the other.

    Raises
    ------
    SettingsError
        If the layers' shapes differ, or there are none.
    """
    shapes = [tuple(m.shape) for m in maps], [tuple(m.shape) for m in others]
    if shapes[0] != shapes[1] or not maps:
        raise SettingsError(
            f"A perceptual distance needs the same layers of two volumes of one size; these have "
            f"shapes {shapes[0]} and {shapes[1]}."
        )
    return float(
        np.mean(
            [
                float((F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(1).mean())
                for a, b in zip(maps, others, strict=True)
            ]
        )
    )


def _short(rows: np.ndarray) -> np.ndarray:
    """Return rows (N, F), or where there are more than features, F rows of the same covariance."""
    if len(rows) <= rows.shape[1]:
        return rows
    triangle: np.ndarray = np.asarray(np.linalg.qr(rows, mode="r"))
    return triangle


def _checked(ours: np.ndarray, real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ours, real = np.asarray(ours, dtype=float), np.asarray(real, dtype=float)
    fit = ours.ndim == real.ndim == 2 and ours.shape[1:] == real.shape[1:]
    if not fit or min(len(ours), len(real)) < LEAST:
        raise SettingsError(
            f"A distance of two sets needs features (N, F) and (M, F) with N and M of at least "
            f"{LEAST}; these are {ours.shape} and {real.shape}."
        )
    return ours, real
