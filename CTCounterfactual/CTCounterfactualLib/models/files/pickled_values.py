"""What names in a checkpoint's pickle stand for here: descriptions of tensors, else nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

# Bytes per number, by the names of PyTorch's dtypes.
ITEM_BYTES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
}
_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
MOST_DIMENSIONS = 64
_NAME_LENGTH = 200


class RefusedPickle(ValueError):
    """The pickle is damaged, or asks for something that no checkpoint needs."""


@dataclass(frozen=True)
class Storage:
    """Numbers in an entry of the archive: its key there, their dtype's name, how many."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that a storage holds: offset and strides in numbers, of dtype `dtype`."""

    storage: Storage
    dtype: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers the tensor has."""
        count = 1
        for length in self.size:
            count *= length
        return count


class Inert:
    """Stands in for any other object; `name` is what the file calls its class or function."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name


class Known(Inert):
    """A name that leads to data: what calling it would return is worked out here."""

    __slots__ = ("build",)

    def __init__(self, name: str, build: Callable[..., Any]):
        super().__init__(name)
        self.build = build


@dataclass(frozen=True)
class Dtype:
    """A kind of numbers, by the name of PyTorch's dtype."""

    name: str


def key_of(value: Any) -> Any:
    """Return a dict's key: hashing tuples of tuples of ... may go too deep for the interpreter."""
    plain = value is None or isinstance(value, str | int | float | bytes | Inert)
    return value if plain else Inert(type(value).__name__)


def dict_of(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return a dict with keys that can be hashed."""
    return {key_of(key): value for key, value in pairs}


def called(function: Any, arguments: Any) -> Any:
    """Return what a call stands for; nothing is called but what describes a tensor or a dict."""
    if not isinstance(function, Inert) or not isinstance(arguments, tuple):
        raise TypeError
    if isinstance(function, Known):
        return function.build(*arguments)
    return Inert(function.name)


def named(module: Any, name: Any) -> Any:
    """Return what stands for a name: nothing is imported for it, known or not."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError
    if module in ("torch", "torch.cuda") and name in _STORAGES:
        return Dtype(_STORAGES[name])
    if module == "torch" and name in ITEM_BYTES:
        return Dtype(name)
    full = f"{module}.{name}"[:_NAME_LENGTH]
    if full == "torch.storage.UntypedStorage":
        return Dtype("uint8")
    if full in _BUILDERS:
        return Known(full, _BUILDERS[full])
    return Inert(full)


def _mapping(*arguments: Any) -> dict[Any, Any]:
    """Return a dict from nothing or, as Python 2 pickled an OrderedDict, from a list of pairs."""
    pairs = arguments[0] if arguments and isinstance(arguments[0], list) else ()
    return dict_of(pairs)


def _tensor(storage, offset, size, stride, *_: Any) -> StoredTensor:
    # Beyond the stride come requires_grad and hooks, and bits of a lazy conjugate or negative.
    if any(isinstance(extra, dict) and any(extra.values()) for extra in _[2:]):
        raise RefusedPickle("a tensor was saved as a lazy conjugate or negative; resolve it first")
    return _placed(storage, storage.dtype, offset, size, stride)


def _tensor_v3(storage, offset, size, stride, _grad, _hooks, dtype, *_: Any) -> StoredTensor:
    if not isinstance(dtype, Dtype):
        raise RefusedPickle("a tensor is of a dtype that isn't read here")
    # An untyped storage counts bytes.
    numbers = Storage(storage.key, dtype.name, storage.count // ITEM_BYTES[dtype.name])
    return _placed(numbers, dtype.name, offset, size, stride)


def _placed(storage: Any, dtype: str, offset: Any, size: Any, stride: Any) -> StoredTensor:
    """Return a tensor that lies within its storage."""
    lists = (size, stride)
    if not isinstance(storage, Storage) or not all(isinstance(v, tuple | list) for v in lists):
        raise TypeError
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or len(size) > MOST_DIMENSIONS:
        raise RefusedPickle("a tensor has another number of sizes than of strides")
    if any(type(number) is not int or number < 0 for number in numbers):
        raise RefusedPickle("a tensor has a negative size, stride or offset")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= storage.count:
        raise RefusedPickle("a tensor reaches beyond its storage")
    return StoredTensor(storage, dtype, offset, tuple(size), tuple(stride))


def _first(value: Any, *_: Any) -> Any:
    """Return a parameter's tensor; whether it was trained and what else it carried is left out."""
    return value


def _from_type(build: Any, _type: Any, arguments: Any, _state: Any) -> Any:
    """Return the tensor of a subclass, or one with attributes of its own, which are left out."""
    return called(build, arguments)


_BUILDERS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _mapping,
    "collections.defaultdict": _mapping,
    "torch.Size": tuple,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._tensor._rebuild_from_type_v2": _from_type,
}
