"""Tensors out of PyTorch checkpoints (.pt, .pth, .ckpt) without PyTorch's loader.

A checkpoint is a zip file with a pickle inside, and a pickle is a program; a TorchScript archive
has the same look, and `torch.load` hands it to a loader that runs it. Here neither happens, under
no suffix: the archive is looked over (`archives`), its pickle read as data (`pickles`), and the
tensors of the state dict are views of the very bytes that were hashed. What a file can make us
take of memory is bounded by its own size.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import torch

from ...errors import ModelError
from ...storage.names import printable
from ...storage.sizes import BYTES_PER_GB, BYTES_PER_MB
from .archives import MAX_EXPANSION, check_zip, is_program, stored_entries
from .legacy_checkpoints import is_legacy, read_legacy
from .pickled_values import ITEM_BYTES, Inert, RefusedPickle, StoredTensor
from .pickles import read_pickle
from .read_once import read_buffer

NOT_A_CHECKPOINT = "a PyTorch checkpoint, as torch.save writes it"
PICKLE = "data.pkl"
# Small tensors may be stored as one number that is repeated (buffers made by `expand`).
FREE_REPEATED_BYTES = 1 << 20
STATE_DICT_KEYS = ("state_dict", "model_state_dict", "model", "net")
# Nothing that trainers save lies deeper; hostile files do, to exhaust the stack.
MOST_DEPTH = 50


def read_tensors(
    path: str | Path,
    prefix: str = "",
    sha256: str = "",
    whose: str = "its card",
    may_repeat: bool = False,
) -> dict[str, torch.Tensor]:
    """Return the tensors of a checkpoint's state dict, on the CPU, by name.

    Parameters
    ----------
    path : str or Path
        A file written by `torch.save`: a state dict, or an object with one under `state_dict`
        (PyTorch Lightning), `model_state_dict`, `model` or `net`.
    prefix : str
        Cut off from names that begin with it (`model.`, `module.`); others stay.
    sha256, whose : str
        What its digest must be and who says so; empty for anything.
    may_repeat : bool
        Take tensors that repeat or share numbers, so that copies of them need more memory than the
        file has: for networks whose sizes don't come from the file.

    Raises
    ------
    ModelError
        If it is missing, truncated, no checkpoint, a TorchScript program, too large when unpacked,
        or has no tensors.
    """
    tensors = read_state_dict(Path(path), sha256, whose, may_repeat)[0]
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def read_state_dict(
    path: Path, sha256: str = "", whose: str = "its card", may_repeat: bool = False
) -> tuple[dict[str, torch.Tensor], str]:
    """Return a checkpoint's tensors and the SHA-256 of their bytes; see `read_tensors`."""
    if not path.is_file():
        raise ModelError(f"The checkpoint {path} does not exist.")
    data, digest = read_buffer(path, sha256, whose)
    return tensors_of(data, str(path), may_repeat), digest


def tensors_of(data: bytearray, name: str, may_repeat: bool = False) -> dict[str, torch.Tensor]:
    """Return the tensors of a checkpoint's state dict from its bytes, which they share."""
    content, tensors = _opened(data, name)
    stored = _state_dict(content, name)
    if not may_repeat:
        _check_unfolded(stored, len(data), name)
    return {key: tensors.make(value) for key, value in stored.items()}


def read_content(path: Path) -> Any:
    """Return all that a checkpoint holds: numbers, texts, lists, dicts and tensors.

    Raises
    ------
    ModelError
        As `read_tensors`, and if it holds any other object.
    """
    data, _ = read_buffer(path)
    content, tensors = _opened(data, str(path))
    return _Plain(tensors, str(path))(content, MOST_DEPTH)


def _opened(data: bytearray, name: str) -> tuple[Any, _Tensors]:
    """Return what the pickle of a checkpoint says, and who makes tensors of it."""
    if is_legacy(data):
        content, entries = read_legacy(data, name)
        return content, _Tensors(entries, "", name)
    archive = check_zip(data, name, NOT_A_CHECKPOINT)
    names = archive.namelist()
    if any(is_program(entry) for entry in names):
        raise ModelError(
            f"{name} is a TorchScript program, not a checkpoint, and was not opened. For a "
            f"TorchScript model, write a card with source type torchscript; for weights alone, "
            f"save the network's state_dict()."
        )
    pickles = [entry for entry in names if PurePosixPath(entry).name == PICKLE]
    if len(pickles) != 1:
        found = "without a data.pkl" if not pickles else "with several data.pkl"
        raise ModelError(f"{name} is a zip file {found}; expected {NOT_A_CHECKPOINT}.")
    folder = pickles[0].removesuffix(PICKLE)
    entries = stored_entries(archive, data, name)
    order = bytes(entries.get(f"{folder}byteorder", b"little"))
    if order != b"little":
        raise ModelError(f"{name} was written on a big-endian machine; convert it there.")
    try:
        content = read_pickle(bytes(entries[pickles[0]]))
    except RefusedPickle as error:
        raise ModelError(
            f"{name} cannot be read as a checkpoint ({error}); it is damaged or no model. Fetch "
            f"it again from its publisher."
        ) from error
    return content, _Tensors(entries, folder, name)


class _Tensors:
    """Makes tensors as views of an archive's entries."""

    def __init__(self, entries: dict[str, memoryview], folder: str, name: str):
        self._entries, self._folder, self._name = entries, folder, name

    def make(self, stored: StoredTensor) -> torch.Tensor:
        """Return a stored tensor."""
        dtype = getattr(torch, stored.dtype, None)
        if dtype is None:
            raise ModelError(
                f"{self._name} holds numbers of type {stored.dtype}, which PyTorch "
                f"{torch.__version__} doesn't know; update it."
            )
        item = ITEM_BYTES[stored.dtype]
        content = self._entries.get(f"{self._folder}data/{stored.storage.key}")
        if content is None or stored.storage.count * item > len(content):
            raise ModelError(f"{self._name} is damaged: numbers of a tensor are missing in it.")
        if not stored.count:
            return torch.empty(stored.size, dtype=dtype)
        numbers = torch.frombuffer(content, dtype=torch.uint8)[: stored.storage.count * item]
        if numbers.data_ptr() % item:
            numbers = numbers.clone()  # not written by PyTorch, which aligns
        # A truth value is one bit: any other byte would mean something else in each operation.
        numbers = numbers != 0 if dtype == torch.bool else numbers.view(dtype)
        return numbers.as_strided(stored.size, stored.stride, stored.offset)


def _state_dict(content: Any, name: str) -> dict[str, StoredTensor]:
    """Find the mapping of names to tensors in what a checkpoint holds."""
    if isinstance(content, Inert):
        raise ModelError(
            f"{name} holds no tensors by name but a whole object ({printable(content.name)}), "
            f"which is code; save the network's state_dict() instead."
        )
    found = content if isinstance(content, dict) else {}
    for key in STATE_DICT_KEYS:
        if isinstance(found.get(key), dict):
            found = found[key]
            break
    for key, value in found.items():
        if isinstance(value, Inert) and "._rebuild_" in value.name:
            raise ModelError(
                f"{name}: its tensor {key!r} was saved by {printable(value.name)}; only dense "
                f"tensors are read. Save it as one (to_dense, dequantize)."
            )
    tensors = {
        key: value
        for key, value in found.items()
        if isinstance(key, str) and isinstance(value, StoredTensor)
    }
    if not tensors:
        raise ModelError(
            f"{name} holds no tensors by name; expected a state dict, or a Lightning checkpoint "
            f"with one under 'state_dict'."
        )
    return tensors


def _check_unfolded(stored: dict[str, StoredTensor], size: int, name: str) -> None:
    """Refuse tensors that repeat or share numbers so much that copies of them fill the memory."""
    unfolded = sum(tensor.count * ITEM_BYTES[tensor.dtype] for tensor in stored.values())
    if unfolded > MAX_EXPANSION * size + FREE_REPEATED_BYTES:
        raise ModelError(
            f"{name} would unfold to {unfolded / BYTES_PER_GB:.1f} GB from "
            f"{size / BYTES_PER_MB:.1f} MB, as its tensors repeat or share their numbers, "
            f"which no saved network does; it was not read."
        )


class _Plain:
    """Puts tensors in the place of their descriptions; what a file repeats is made once.

    Lists of lists of the same list, over and over, would else unfold to billions of items.
    """

    def __init__(self, tensors: _Tensors, name: str):
        self._tensors, self._name = tensors, name
        self._made: dict[int, Any] = {}
        self._open: set[int] = set()

    def __call__(self, value: Any, depth: int) -> Any:
        """Return the value with tensors in it, at most `depth` levels deep."""
        if value is None or isinstance(value, str | int | float | bytes):
            return value
        if id(value) not in self._made:
            if not depth or id(value) in self._open:
                raise ModelError(f"{self._name} is nested without end; it is not one of ours.")
            self._open.add(id(value))
            self._made[id(value)] = self._filled(value, depth - 1)
            self._open.remove(id(value))
        return self._made[id(value)]

    def _filled(self, value: Any, depth: int) -> Any:
        if isinstance(value, StoredTensor):
            return self._tensors.make(value)
        if isinstance(value, dict):
            return {key: self(item, depth) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self(item, depth) for item in value)
        raise ModelError(f"{self._name} holds more than tensors and numbers; it isn't one of ours.")
