"""What the parity tests share: tolerances per precision, and how a difference is measured."""

from __future__ import annotations

import numpy as np
import torch

from oracle_problems import FIXTURES

# Greatest difference to the oracle's float64 numbers, relative to the greatest of them.
PRECISIONS = [(torch.float64, 1e-10), (torch.float32, 1e-5)]


def fixture(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of one fixture."""
    with np.load(FIXTURES / f"{name}.npz") as file:
        return dict(file)


def relative_error(found: torch.Tensor, expected: np.ndarray) -> float:
    """Return the greatest difference relative to the greatest expected number."""
    return float(_differences(found, expected).max())


def gradient_error(found: torch.Tensor, expected: np.ndarray) -> float:
    """Return the greatest difference in float64, the median one in float32.

    Where a ReLU's or a max-pool's input lies within float32's rounding of its kink, single
    precision takes the other branch, whichever code runs it, and the gradient of all that feeds
    it changes. Run side by side in float32 (`compare_here.py`), both codes agree everywhere.
    """
    differences = _differences(found, expected)
    return float(differences.max() if found.dtype == torch.float64 else np.median(differences))


def _differences(found: torch.Tensor, expected: np.ndarray) -> np.ndarray:
    values = found.detach().numpy().astype(np.float64)
    assert values.shape == expected.shape
    return np.abs(values - expected) / np.abs(expected).max()


def keys_and_shapes(module: torch.nn.Module) -> list[str]:
    """Return `key (shape)` of every entry of a module's state, sorted."""
    return [f"{key} {tuple(value.shape)}" for key, value in sorted(module.state_dict().items())]
