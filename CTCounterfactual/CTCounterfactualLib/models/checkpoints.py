"""Tensors out of PyTorch checkpoints (.pt, .pth, .ckpt) without running what is pickled in them.

A checkpoint is a zip file with a pickle inside, and a pickle is a program. PyTorch's own
`weights_only` loader refuses whatever isn't a tensor or a plain container; a Lightning checkpoint
holds more than that (callbacks, hyperparameters). The unpickler here therefore knows a short list
of names that build tensors and containers; every other name becomes an inert stand-in, which
accepts anything and does nothing. No import is ever made for a name that a file asks for.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from ..errors import ModelError

# Everything a pickled tensor needs; nothing here runs code or opens files.
_BUILDERS = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch", "Size"): torch.Size,
    ("torch", "device"): torch.device,
    **{("torch", str(d).removeprefix("torch.")): d for d in (
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8, torch.int8,
        torch.int16, torch.int32, torch.int64, torch.bool,
    )},
}
# PyTorch stores tensors uncompressed. A zip that unpacks to much more than its size is no
# checkpoint but an attempt to fill the memory.
MAX_EXPANSION = 3.0
NOT_A_CHECKPOINT = (
    "expected a PyTorch checkpoint (a zip file written by torch.save since version 1.6)"
)


class _Inert:
    """Stands in for any object a checkpoint holds besides tensors: accepts all, does nothing."""

    def __init__(self, *args: Any, **kwargs: Any):
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        """Take an item that a pickled list subclass would hold."""

    def extend(self, items: Any) -> None:
        """Take items that a pickled list subclass would hold."""

    def add(self, item: Any) -> None:
        """Take an item that a pickled set subclass would hold."""


class _TensorUnpickler(pickle.Unpickler):
    """Resolves the names in `_BUILDERS`; every other one is `_Inert`."""

    def find_class(self, module: str, name: str) -> Any:
        return _BUILDERS.get((module, name), _Inert)


# What `torch.load` asks of a `pickle_module`; it resolves storages itself before it asks us.
_PICKLE = SimpleNamespace(
    __name__="ct_counterfactual_tensors", Unpickler=_TensorUnpickler,
    load=lambda file, **options: _TensorUnpickler(file, **options).load(),
    UnpicklingError=pickle.UnpicklingError,
)


def read_tensors(path: str | Path, prefix: str = "") -> dict[str, torch.Tensor]:
    """Return the tensors of a checkpoint's state dict, on the CPU, by name.

    Parameters
    ----------
    path : str or Path
        A file written by `torch.save`: a state dict, or an object with one under `state_dict`
        (PyTorch Lightning), `model_state_dict`, `model` or `net`.
    prefix : str
        Cut off from names that begin with it (`model.`, `module.`); others stay.

    Raises
    ------
    ModelError
        If it is missing, truncated, no checkpoint, too large when unpacked, or has no tensors.
    """
    path = Path(path)
    _check_archive(path)
    try:
        content = torch.load(path, map_location="cpu", pickle_module=_PICKLE, weights_only=False)
    except MemoryError:
        raise
    except Exception as error:  # a hostile or damaged pickle may raise anything at all
        raise ModelError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}: {error}); it is "
            f"damaged or no model. Fetch it again from its publisher."
        ) from error
    tensors = _state_dict(content)
    if not tensors:
        raise ModelError(
            f"{path} holds no tensors by name; expected a state dict, or a Lightning checkpoint "
            f"with one under 'state_dict'."
        )
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def _check_archive(path: Path) -> None:
    """Refuse what isn't a whole, honestly sized zip file before anything in it is read."""
    if not path.is_file():
        raise ModelError(f"The checkpoint {path} does not exist.")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(
            f"{path} is damaged, cut short or of another kind ({error}); {NOT_A_CHECKPOINT}."
        ) from error
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_EXPANSION * path.stat().st_size:
        raise ModelError(
            f"{path} would unpack to {unpacked / 1e9:.1f} GB from {path.stat().st_size / 1e6:.1f} "
            f"MB, which no checkpoint does; it was not opened."
        )
    if not any(Path(entry.filename).name == "data.pkl" for entry in entries):
        raise ModelError(f"{path} is a zip file without a data.pkl; {NOT_A_CHECKPOINT}.")


def _state_dict(content: Any) -> dict[str, torch.Tensor]:
    """Find the mapping of names to tensors in what a checkpoint holds."""
    if not isinstance(content, dict):
        return {}
    for key in ("state_dict", "model_state_dict", "model", "net"):
        if isinstance(content.get(key), dict):
            content = content[key]
            break
    return {
        name: tensor for name, tensor in content.items()
        if isinstance(name, str) and isinstance(tensor, torch.Tensor)
    }
