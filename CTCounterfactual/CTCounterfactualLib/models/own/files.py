"""A network's weights, and one digest for all the files that a model came from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from ...errors import ModelError
from ..files.loading import load_strict
from ..files.weights import prefix_hint, read_weights

# BatchNorm counts its training steps in it; old files lack it, and nothing depends on it.
_STEP_COUNT = ".num_batches_tracked"


def combined(digests: list[str]) -> str:
    """Return one SHA-256 for several; of a single one, itself."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def fill(network: nn.Module, weights: Path, sha256: str, prefix: str) -> str:
    """Load weights (safetensors or a checkpoint's tensors) strictly; return their SHA-256.

    Raises
    ------
    ModelError
        If they are missing, damaged, another file than the card says, or don't fit.
    """
    tensors, digest = read_weights(weights, sha256)
    load_strict(network, fitting(tensors, set(network.state_dict()), prefix, weights), str(weights))
    return digest


def fitting(
    tensors: dict[str, torch.Tensor], expected: set[str], prefix: str, weights: Path
) -> dict[str, torch.Tensor]:
    """Return the tensors by the names that a network expects, as far as they have them.

    Raises
    ------
    ModelError
        If another prefix than the card's would make all names fit; says which.
    """
    tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    needed = {name for name in expected if not name.endswith(_STEP_COUNT)}
    found = prefix_hint(tensors, needed)
    if found:
        raise ModelError(
            f"The names of the weights in {weights} begin with {found!r}, the network's don't; put "
            f'prefix = "{prefix}{found}" into the table `source` of the card, and all fit.'
        )
    return _without_step_counts(tensors, expected)


def _without_step_counts(
    tensors: dict[str, torch.Tensor], known: set[str]
) -> dict[str, torch.Tensor]:
    """Leave out a BatchNorm's count of training steps where only one side has it."""
    counts = {name for name in set(tensors) | known if name.endswith(_STEP_COUNT)}
    given = {name: value for name, value in tensors.items() if name in known or name not in counts}
    return {**{name: torch.zeros(()) for name in counts & known}, **given}
