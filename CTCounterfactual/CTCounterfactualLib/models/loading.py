"""Safe loading of weights: safetensors only, hash first, strict keys, never pickle."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from ..errors import ModelError
from .autoencoder import FROM_NETWORK, TO_NETWORK, Affine, SliceAutoencoder
from .cards import read_card, require
from .read_once import read_file
from .vqgan import VQGAN
from .vqgan_config import VQGANConfig
from .weights import safe_tensors

# How many tensor names an error message shows before it says "...".
NAMES_SHOWN = 3


def autoencoder_from_card(path: Path) -> SliceAutoencoder:
    """Load the slice autoencoder that a card describes.

    Raises
    ------
    ModelError
        If card or weights are missing, damaged, not what the card's hash says, or don't fit.
    """
    card = read_card(path)
    name, config, weights, sha256 = require(card, path, "name", "config", "weights", "sha256")
    try:
        network = VQGAN(VQGANConfig.from_dict(config))
        to_network = Affine(**card.get("to_network", asdict(TO_NETWORK)))
        from_network = Affine(**card.get("from_network", asdict(FROM_NETWORK)))
        scale, transpose = float(card.get("scale", 1.0)), bool(card.get("transpose", False))
    except (TypeError, ValueError) as error:
        raise ModelError(f"The model card {path} makes no model: {error}.") from error
    load_weights(network, path.parent / weights, str(sha256))
    return SliceAutoencoder(
        network, name, sha256, card.get("description", ""), to_network, from_network, scale,
        transpose,
    )


def load_weights(module: nn.Module, path: Path, sha256: str) -> None:
    """Load a safetensors file into a module, in float32, after its hash was checked.

    Raises
    ------
    ModelError
        Naming the file and what is wrong: missing, other bytes than expected, not safetensors, or
        tensors that don't fit the module.
    """
    if not path.is_file():
        raise ModelError(f"The weights file {path} is missing; reinstall, or fetch it again.")
    if not path.stat().st_size:
        raise ModelError(f"The weights file {path} is no readable safetensors: it is empty.")
    data, _ = read_file(path, sha256)
    load_strict(module, safe_tensors(data, path), str(path))


def load_strict(module: nn.Module, tensors: dict[str, torch.Tensor], source: str) -> None:
    """Copy tensors into a module; every name and shape must match, else `ModelError` says which."""
    expected = module.state_dict()
    problems = []
    for word, names in (
        ("missing", sorted(set(expected) - set(tensors))),
        ("unexpected", sorted(set(tensors) - set(expected))),
        ("of another shape", sorted(
            n for n in set(expected) & set(tensors) if expected[n].shape != tensors[n].shape
        )),
    ):
        if names:
            shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
            problems.append(f"{len(names)} {word} ({shown})")
    if problems:
        raise ModelError(f"The weights in {source} don't fit the model: {'; '.join(problems)}.")
    module.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=True)
