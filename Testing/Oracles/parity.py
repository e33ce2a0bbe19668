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


def relative_error(found, expected: np.ndarray) -> float:
    """Return the greatest difference relative to the greatest expected number."""
    found = np.asarray(found.detach() if isinstance(found, torch.Tensor) else found, np.float64)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def keys_and_shapes(module: torch.nn.Module) -> list[str]:
    """Return `key (shape)` of every entry of a module's state, sorted."""
    return [f"{key} {tuple(value.shape)}" for key, value in sorted(module.state_dict().items())]
