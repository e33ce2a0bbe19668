"""Weights from a file of anyone's: safetensors, or a checkpoint's tensors; told by its content."""

from __future__ import annotations

from pathlib import Path

import torch

from ...errors import MissingExtraError, ModelError
from .checkpoints import tensors_of
from .read_once import read_buffer

SAFETENSORS = ".safetensors"
# After 8 bytes that say how long it is, a safetensors file begins with a JSON object.
_HEADER_AT = 8


def read_weights(
    path: Path, sha256: str = "", whose: str = "its card"
) -> tuple[dict[str, torch.Tensor], str]:
    """Return the tensors of a weights file by name, and the SHA-256 of the bytes they came from.

    Raises
    ------
    ModelError
        If it is missing, damaged, another file than `whose` digest says, or holds no tensors.
    MissingExtraError
        Without safetensors, for such a file.
    """
    data, digest = read_buffer(path, sha256, whose)
    if path.suffix.lower() == SAFETENSORS or data[_HEADER_AT : _HEADER_AT + 1] == b"{":
        return safe_tensors(bytes(data), path), digest
    return tensors_of(data, str(path)), digest


def safe_tensors(data: bytes, path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file from its bytes; `path` is for messages."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load
    except ImportError as error:
        raise MissingExtraError("safetensors", "all", "load model weights") from error
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"The weights file {path} is no readable safetensors: {error}.") from error


def prefix_hint(tensors: dict[str, torch.Tensor], expected: set[str]) -> str:
    """Return the prefix that makes all `expected` names fit, or "" if there is none.

    `DataParallel` puts `module.` before every name, `torch.compile` `_orig_mod.`, Lightning
    `model.`.
    """
    wanted = next((name for name in sorted(expected) if name not in tensors), None)
    if wanted is None:
        return ""
    for name in tensors:
        prefix = name.removesuffix(wanted)
        fits = prefix != name and prefix.endswith(".")
        if fits and {given.removeprefix(prefix) for given in tensors} >= expected:
            return prefix
    return ""
