"""Safe loading of weights: safetensors only, hash first, strict keys, never pickle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from ...errors import ModelError
from ..building import building_for
from .read_once import read_file
from .weights import safe_tensors

# How many tensor names an error message shows before it says "...".
NAMES_SHOWN = 3

Network = TypeVar("Network", bound=nn.Module)


def filled(make: Callable[[], Network], path: Path, sha256: str, card: str) -> Network:
    """Return the network that `make` builds, with the weights of a safetensors file in float32.

    Raises
    ------
    ModelError
        As `read_safetensors` and `load_strict`, and if the sizes make no network, or one larger
        than its weights.
    """
    tensors = read_safetensors(path, sha256)
    try:
        with building_for(tensors, str(path)):
            network = make()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"The model card {card} makes no model: {error}.") from error
    load_strict(network, tensors, str(path))
    return network


def read_safetensors(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file whose digest is `sha256`.

    Raises
    ------
    ModelError
        Naming the file and what is wrong: missing, other bytes than expected, not safetensors.
    """
    if not path.is_file():
        raise ModelError(f"The weights file {path} is missing; reinstall, or fetch it again.")
    if not path.stat().st_size:
        raise ModelError(f"The weights file {path} is no readable safetensors: it is empty.")
    return safe_tensors(read_file(path, sha256)[0], path)


def load_strict(module: nn.Module, tensors: dict[str, torch.Tensor], source: str) -> None:
    """Copy tensors into a module; every name and shape must match, else `ModelError` says which."""
    expected = module.state_dict()
    problems = []
    for word, names in (
        ("missing", sorted(set(expected) - set(tensors))),
        ("unexpected", sorted(set(tensors) - set(expected))),
        (
            "of another shape",
            sorted(
                n for n in set(expected) & set(tensors) if expected[n].shape != tensors[n].shape
            ),
        ),
    ):
        if names:
            shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
            problems.append(f"{len(names)} {word} ({shown})")
    if problems:
        raise ModelError(f"The weights in {source} don't fit the model: {'; '.join(problems)}.")
    module.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=True)
