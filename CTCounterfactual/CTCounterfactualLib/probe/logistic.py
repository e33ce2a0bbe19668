"""Logistic regression with punished weights, for far more features than scans.

Minimises mean log-loss + strength / 2 * |w|^2 over standardised features, the offset unpunished.
The solution lies in the span of the scans, so it is sought there: N numbers instead of thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

# Features that don't vary in the training scans tell nothing, and have no scale.
LEAST_SPREAD = 1e-9
MOST_STEPS = 500


@dataclass(frozen=True)
class Logistic:
    """logit = features @ weight + offset, of features as they come."""

    weight: np.ndarray
    offset: float

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return the logits (N,) of features (N, F)."""
        return features @ self.weight + self.offset


def fit(features: np.ndarray, labels: np.ndarray, strength: float) -> Logistic:
    """Fit features (N, F) to labels (N,), bool, of which there are both.

    Parameters
    ----------
    strength : float
        Above 0. Features are standardised and divided by the root of their number, so that it
        means about the same for any backbone.
    """
    mean, spread = features.mean(0), features.std(0)
    known = spread > LEAST_SPREAD
    scale = np.where(known, spread, np.inf) * np.sqrt(max(int(known.sum()), 1))
    u, singular, turned = np.linalg.svd((features - mean) / scale, full_matrices=False)
    z = u * singular  # (N, r): the scans in their own span
    sign = np.where(labels, 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        w, b = parameters[:-1], parameters[-1]
        margin = sign * (z @ w + b)
        pull = -sign * expit(-margin) / len(sign)
        value = np.logaddexp(0, -margin).mean() + strength / 2 * w @ w
        return float(value), np.append(z.T @ pull + strength * w, pull.sum())

    start = np.zeros(z.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS}).x
    weight = (found[:-1] @ turned) / scale
    return Logistic(weight, float(found[-1] - mean @ weight))


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean log-loss of logits (N,) for labels (N,), bool."""
    return float(np.logaddexp(0, np.where(labels, -logits, logits)).mean())
