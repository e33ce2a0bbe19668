"""What a checkpoint's pickle says, read as data: nothing it names is imported, called or changed.

A pickle is a program for a stack machine whose instructions import, call and set attributes. Here
its instructions (decoded by the standard library's `pickletools`) are followed on values that can
do nothing: numbers, texts, lists and dicts; `StoredTensor` for what would become a tensor; `Inert`
for every other object. So not even PyTorch's own functions run, and there is nothing to mutate.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Bytes per number, by the names of PyTorch's dtypes.
ITEM_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2,
    "int8": 1, "uint8": 1, "bool": 1, "uint16": 2, "uint32": 4, "uint64": 8,
    "float8_e4m3fn": 1, "float8_e5m2": 1,
}
_STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
}
# Each instruction makes an object of at most some 250 bytes: half a gigabyte is all a file can ask
# for. A state dict of a thousand tensors takes 30 000.
MOST_INSTRUCTIONS = 2_000_000
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


class _Known(Inert):
    """A name that leads to data: what calling it would return is worked out here."""

    __slots__ = ("build",)

    def __init__(self, name: str, build: Callable[..., Any]):
        super().__init__(name)
        self.build = build


@dataclass(frozen=True)
class _Dtype:
    name: str


def read_pickle(data: bytes) -> Any:
    """Return what a pickle of `torch.save` describes.

    Raises
    ------
    RefusedPickle
        If it is damaged, too long, or no such pickle.
    """
    machine = _Machine()
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if number >= MOST_INSTRUCTIONS:
                raise RefusedPickle(f"it has over {MOST_INSTRUCTIONS} instructions")
            machine.follow(opcode.name, argument)
        return machine.stack.pop()
    except RefusedPickle:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, AttributeError) as error:
        raise RefusedPickle(f"its pickle is damaged ({type(error).__name__})") from error


class _Machine:
    """The stack, the memo, and one method for each group of instructions."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def follow(self, name: str, argument: Any) -> None:
        """Carry out one instruction."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self._memo[argument] = self.stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self.stack.append(self._memo[argument])
        elif name not in ("PROTO", "FRAME", "STOP"):
            method = getattr(self, f"_{name.lower()}", None)
            if method is None:
                raise RefusedPickle(f"its pickle has the instruction {name}")
            method(argument)

    def _mark(self, _: Any) -> None:
        self._marks.append(self.stack)
        self.stack = []

    def _since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self._marks.pop()
        return items

    def _pop(self, _: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.stack = self._marks.pop()

    def _pop_mark(self, _: Any) -> None:
        self._since_mark()

    def _tuple(self, _: Any) -> None:
        items = self._since_mark()  # first: it changes the stack
        self.stack.append(tuple(items))

    def _tuple1(self, _: Any) -> None:
        self._last_as_tuple(1)

    def _tuple2(self, _: Any) -> None:
        self._last_as_tuple(2)

    def _tuple3(self, _: Any) -> None:
        self._last_as_tuple(3)

    def _last_as_tuple(self, count: int) -> None:
        if len(self.stack) < count:
            raise IndexError
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def _list(self, _: Any) -> None:
        items = self._since_mark()
        self.stack.append(items)

    def _dict(self, _: Any) -> None:
        items = self._since_mark()
        self.stack.append(_dict_of(zip(items[::2], items[1::2], strict=True)))

    def _frozenset(self, _: Any) -> None:
        self._since_mark()
        self.stack.append(Inert("frozenset"))

    def _append(self, _: Any) -> None:
        item = self.stack.pop()
        _extend(self.stack[-1], [item])

    def _appends(self, _: Any) -> None:
        items = self._since_mark()
        _extend(self.stack[-1], items)

    def _additems(self, _: Any) -> None:
        self._since_mark()
        if not isinstance(self.stack[-1], Inert):
            raise TypeError

    def _setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _update(self.stack[-1], [key, value])

    def _setitems(self, _: Any) -> None:
        items = self._since_mark()
        _update(self.stack[-1], items)

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(_named(module, name))

    def _stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(_named(module, name))

    def _inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        items = self._since_mark()
        self.stack.append(_called(_named(module, name), tuple(items)))

    def _obj(self, _: Any) -> None:
        first, *items = self._since_mark()
        self.stack.append(_called(first, tuple(items)))

    def _reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(_called(function, arguments))

    _newobj = _reduce

    def _newobj_ex(self, _: Any) -> None:
        self.stack.pop()  # keyword arguments: no class that is known here takes any
        self._reduce(None)

    def _build(self, _: Any) -> None:
        """Pass over an object's state: nothing here has any, and no function gets any."""
        self.stack.pop()
        if isinstance(self.stack[-1], _Known):
            raise RefusedPickle(f"its pickle would change {self.stack[-1].name} itself")

    def _binpersid(self, _: Any) -> None:
        kind, storage, key, _place, count = self.stack.pop()
        if kind != "storage" or not isinstance(storage, _Dtype):
            raise TypeError
        if not isinstance(key, str) or type(count) is not int or count < 0:
            raise TypeError
        self.stack.append(Storage(key, storage.name, count))


_VALUES = frozenset((
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING",
    "STRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
))
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": lambda: Inert("set"),
}


def _key(value: Any) -> Any:
    """Return a dict's key: hashing tuples of tuples of ... may go too deep for the interpreter."""
    plain = value is None or isinstance(value, str | int | float | bytes | Inert)
    return value if plain else Inert(type(value).__name__)


def _dict_of(pairs) -> dict[Any, Any]:
    return {_key(key): value for key, value in pairs}


def _update(target: Any, items: list[Any]) -> None:
    pairs = zip(items[::2], items[1::2], strict=True)
    if isinstance(target, dict):
        target.update(_dict_of(pairs))
    elif not isinstance(target, Inert):
        raise TypeError


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, list):
        target.extend(items)
    elif not isinstance(target, Inert):
        raise TypeError


def _called(function: Any, arguments: Any) -> Any:
    if not isinstance(function, Inert) or not isinstance(arguments, tuple):
        raise TypeError
    if isinstance(function, _Known):
        return function.build(*arguments)
    return Inert(function.name)


def _named(module: Any, name: Any) -> Any:
    """Return what stands for a name: nothing is imported for it, known or not."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError
    if module in ("torch", "torch.cuda") and name in _STORAGES:
        return _Dtype(_STORAGES[name])
    if module == "torch" and name in ITEM_BYTES:
        return _Dtype(name)
    full = f"{module}.{name}"[:_NAME_LENGTH]
    if full == "torch.storage.UntypedStorage":
        return _Dtype("uint8")
    if full in _BUILDERS:
        return _Known(full, _BUILDERS[full])
    return Inert(full)


def _mapping(*arguments: Any) -> dict[Any, Any]:
    """Return a dict from nothing or, as Python 2 pickled an OrderedDict, from a list of pairs."""
    pairs = arguments[0] if arguments and isinstance(arguments[0], list) else ()
    return _dict_of(pairs)


def _tensor(storage, offset, size, stride, *_: Any) -> StoredTensor:
    # Beyond the stride come requires_grad and hooks, and bits of a lazy conjugate or negative.
    if any(isinstance(extra, dict) and any(extra.values()) for extra in _[2:]):
        raise RefusedPickle("a tensor was saved as a lazy conjugate or negative; resolve it first")
    return _placed(storage, storage.dtype, offset, size, stride)


def _tensor_v3(storage, offset, size, stride, _grad, _hooks, dtype, *_: Any) -> StoredTensor:
    if not isinstance(dtype, _Dtype):
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
    return _called(build, arguments)


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
