"""Where a network of the user's own comes from, and opening it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...errors import ModelError
from ..building import building_for
from ..files.fields import Table
from ..files.loading import load_strict
from ..files.weights import read_weights
from . import monai_nets
from .consent import Consent
from .files import combined, fill, fitting
from .monai_nets import network_from_bundle, network_from_monai
from .onnx_file import network_from_onnx
from .python_file import FACTORY, network_from_python
from .torch_files import network_from_export, network_from_torchscript

PYTHON, TORCHSCRIPT, EXPORT = "python", "torchscript", "torch.export"
BUNDLE, MONAI, ONNX = "monai-bundle", "monai", "onnx"
# Fields of each type, besides `type`; the first are needed.
_FIELDS = {
    PYTHON: (
        "file",
        "factory",
        "also",
        "arguments",
        "sha256",
        "weights",
        "weights_sha256",
        "prefix",
    ),
    TORCHSCRIPT: ("file", "sha256"),
    EXPORT: ("file", "sha256"),
    BUNDLE: ("file", "sha256", "network", "weights"),
    MONAI: ("network", "arguments", "weights", "weights_sha256", "prefix"),
    ONNX: ("file", "sha256"),
}
TYPES = tuple(_FIELDS)


@dataclass(frozen=True)
class SourceSpec:
    """Table `source` of a card.

    Parameters
    ----------
    type : str
        One of `TYPES`.
    file : Path or None
        The model; for `monai` there is none.
    factory : str
        Of a Python file: function or class that returns the network.
    also : tuple of Path
        Further Python files, which the first imports as `from .name import ...`.
    arguments : dict
        For the factory or MONAI's class.
    network : str
        MONAI's class, or the network's name in a bundle's configuration.
    weights : Path, str or None
        Safetensors, or a checkpoint; of a bundle: its path within it.
    prefix : str
        Cut off from the weights' names (`module.`).
    sha256, weights_sha256 : str
        What the files must be; empty for nothing.
    """

    type: str
    file: Path | None = None
    factory: str = FACTORY
    also: tuple[Path, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
    network: str = ""
    weights: Path | str | None = None
    prefix: str = ""
    sha256: str = ""
    weights_sha256: str = ""

    @classmethod
    def from_table(cls, values: Any, where: str, folder: Path) -> SourceSpec:
        """Return the spec of a card in `folder`; raise `ModelError` naming what is wrong."""
        kind = Table(values, where, cls.__dataclass_fields__).choice("type", TYPES)
        table = Table(values, f"{where} (type {kind})", ("type", *_FIELDS[kind]))
        also = values.get("also", [])
        if not isinstance(also, list):
            raise table.refuse("also", "a list of file names")
        numbered = {str(number): name for number, name in enumerate(also)}
        others = Table(numbered, f"{where}.also", numbered)
        if kind == BUNDLE:
            table.file("weights", folder, monai_nets.WEIGHTS)
            weights: Path | str | None = table.text("weights", monai_nets.WEIGHTS)
        else:
            weights = table.file("weights", folder, None)
        return cls(
            kind,
            None if kind == MONAI else table.file("file", folder),
            table.text("factory", cls.factory),
            tuple(others.file(number, folder) for number in numbered),
            table.table("arguments"),
            table.text("network") if kind == MONAI else table.text("network", monai_nets.NETWORK),
            weights,
            table.text("prefix", ""),
            table.text("sha256", ""),
            table.text("weights_sha256", ""),
        )


@dataclass(frozen=True)
class Opened:
    """A network in eval mode, its parameters frozen, with the SHA-256 of all it came from."""

    network: nn.Module
    sha256: str
    differentiable: bool = True


def open_source(source: SourceSpec, consent: Consent) -> Opened:
    """Open the network of a card.

    Raises
    ------
    ModelError
        If it is missing, damaged, another file than the card says, or code nobody agreed to.
    MissingExtraError
        If a package is needed that isn't installed.
    """
    if source.file is None:
        network, digests = _monai(source)
    else:
        network, digests = _open(source, source.file, consent)
        if source.weights is not None and source.type != BUNDLE:
            weights = Path(source.weights)
            digests = [*digests, fill(network, weights, source.weights_sha256, source.prefix)]
    _to_single_precision(network)
    network.eval()
    for parameter in network.parameters():  # TorchScript modules have no requires_grad_
        parameter.requires_grad_(False)
    return Opened(network, combined(digests), source.type != ONNX)


def _monai(source: SourceSpec) -> tuple[nn.Module, list[str]]:
    """Return a network by its name, no larger than its weights, and their digest."""
    if source.weights is None:
        raise ModelError(
            f"The card gives MONAI's {source.network} no weights: it would answer at random. Add "
            f"`weights` to the table `source`."
        )
    weights = Path(source.weights)
    tensors, digest = read_weights(weights, source.weights_sha256)
    with building_for(tensors, str(weights)):
        network = network_from_monai(source.network, source.arguments)
    expected = set(network.state_dict())
    load_strict(network, fitting(tensors, expected, source.prefix, weights), str(weights))
    return network, [digest]


def _to_single_precision(network: nn.Module) -> None:
    """Make weights of another precision float32, which volumes have; half is for speed only."""
    tensors = (*network.parameters(), *network.buffers())
    if any(t.is_floating_point() and t.dtype != torch.float32 for t in tensors):
        network.float()


def _open(source: SourceSpec, file: Path, consent: Consent) -> tuple[nn.Module, list[str]]:
    """Return the network and the digests of what it came from."""
    if source.type == PYTHON:
        network, digest = network_from_python(
            [file, *source.also], source.factory, source.arguments, source.sha256, consent
        )
    elif source.type == BUNDLE:
        network, digest = network_from_bundle(
            file, source.sha256, source.network, str(source.weights), consent
        )
    elif source.type == ONNX:
        network, digest = network_from_onnx(file, source.sha256)
    else:
        opener = network_from_export if source.type == EXPORT else network_from_torchscript
        network, digest = opener(file, source.sha256, consent)
    return network, [digest]
