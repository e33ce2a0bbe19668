"""Model files as bytes: read once, hashed, checked, and only then given to whoever loads them.

What is hashed and what runs are the same bytes, so that a file that is replaced in between gains
nothing.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import torch
from torch import nn

from ...errors import MissingExtraError, ModelError
from ..checkpoints import MAX_EXPANSION, read_tensors
from ..loading import load_strict
from .fields import leaves_folder

# Code and small constants in a model's archive compress well, weights don't.
FREE_EXPANSION_BYTES = 100 * 1024 * 1024


def read_file(path: Path, sha256: str = "") -> tuple[bytes, str]:
    """Return a file's bytes and their SHA-256.

    Parameters
    ----------
    path : Path
        What to read.
    sha256 : str
        What the card says it is; empty for nothing.

    Raises
    ------
    ModelError
        If it is missing, unreadable, empty or another one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"Cannot read the model file {path}: {error.strerror}.") from error
    if not data:
        raise ModelError(f"The model file {path} is empty; copy it again.")
    found = hashlib.sha256(data).hexdigest()
    if sha256 and found != sha256.lower():
        raise ModelError(
            f"{path} has SHA-256 {found[:12]}... but its card says {sha256[:12]}...: it is damaged "
            f"or was replaced. If you changed it yourself, put the new one into the card."
        )
    return data, found


def combined(digests: list[str]) -> str:
    """Return one SHA-256 for several; of a single one, itself."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def check_zip(data: bytes, name: str, expected: str) -> zipfile.ZipFile:
    """Return the opened archive if it is whole, of honest size and stays in its folder.

    Raises
    ------
    ModelError
        Saying which of it isn't so.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError) as error:
        raise ModelError(
            f"{name} is damaged, cut short or of another kind ({error}); expected {expected}."
        ) from error
    entries = archive.infolist()
    # The end of an archive that was cut short may be that of another archive within it.
    if not entries or min(entry.header_offset for entry in entries) != 0:
        raise ModelError(f"{name} is damaged, cut short or empty; expected {expected}.")
    for entry in entries:
        if leaves_folder(entry.filename):
            raise ModelError(
                f"{name} would write {entry.filename!r} outside its own folder, which no model "
                f"does; it was not opened."
            )
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_EXPANSION * len(data) + FREE_EXPANSION_BYTES:
        raise ModelError(
            f"{name} would unpack to {unpacked / 1e9:.1f} GB from {len(data) / 1e6:.1f} MB, which "
            f"no model does; it was not opened."
        )
    return archive


def fill(network: nn.Module, weights: Path, sha256: str, prefix: str) -> str:
    """Load weights (safetensors or a checkpoint's tensors) strictly; return their SHA-256.

    Raises
    ------
    ModelError
        If they are missing, damaged, another file than the card says, or don't fit.
    """
    data, digest = read_file(weights, sha256)
    if weights.suffix == ".safetensors":
        try:
            from safetensors import SafetensorError
            from safetensors.torch import load
        except ImportError as error:
            raise MissingExtraError("safetensors", "all", "load model weights") from error
        try:
            tensors = load(data)
        except (SafetensorError, ValueError) as error:
            raise ModelError(f"{weights} is no readable safetensors: {error}.") from error
    else:
        del data
        tensors = read_tensors(weights)
    tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    load_strict(network, _as_expected(tensors, network), str(weights))
    return digest


def _as_expected(
    tensors: dict[str, torch.Tensor], network: nn.Module
) -> dict[str, torch.Tensor]:
    """Leave out a BatchNorm's count of training steps where only one side has it."""
    known = set(network.state_dict())
    counts = {name for name in set(tensors) | known if name.endswith(".num_batches_tracked")}
    given = {name: value for name, value in tensors.items() if name in known or name not in counts}
    return {**{name: torch.zeros(()) for name in counts & known}, **given}
