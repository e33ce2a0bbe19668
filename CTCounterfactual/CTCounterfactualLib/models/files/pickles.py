"""What a checkpoint's pickle says, read as data: nothing it names is imported, called or changed.

A pickle is a program for a stack machine whose instructions import, call and set attributes. Here
its instructions (decoded by the standard library's `pickletools`) are followed on values that can
do nothing: numbers, texts, lists and dicts; `StoredTensor` for what would become a tensor; `Inert`
for every other object. So not even PyTorch's own functions run, and there is nothing to mutate.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO

from .pickled_values import Dtype, Inert, Known, RefusedPickle, Storage, called, dict_of, named

# Each instruction makes an object of at most some 250 bytes: half a gigabyte is all a file can ask
# for. A state dict of a thousand tensors takes 30 000.
MOST_INSTRUCTIONS = 2_000_000


def read_pickle(data: bytes) -> Any:
    """Return what a pickle of `torch.save` describes.

    Raises
    ------
    RefusedPickle
        If it is damaged, too long, or no such pickle.
    """
    return read_stream(io.BytesIO(data))[0]


def read_stream(stream: BinaryIO) -> tuple[Any, dict[str, Storage]]:
    """Return what the pickle says that a stream stands at, and all storages it speaks of, by key.

    The stream then stands behind it. Raises as `read_pickle`.
    """
    machine = _Machine()
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if number >= MOST_INSTRUCTIONS:
                raise RefusedPickle(f"it has over {MOST_INSTRUCTIONS} instructions")
            machine.follow(opcode.name, argument)
        return machine.stack.pop(), machine.storages
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
        self.storages: dict[str, Storage] = {}

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
        self.stack.append(dict_of(zip(items[::2], items[1::2], strict=True)))

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
        self.stack.append(named(module, name))

    def _stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(named(module, name))

    def _inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        items = self._since_mark()
        self.stack.append(called(named(module, name), tuple(items)))

    def _obj(self, _: Any) -> None:
        first, *items = self._since_mark()
        self.stack.append(called(first, tuple(items)))

    def _reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(called(function, arguments))

    _newobj = _reduce

    def _newobj_ex(self, _: Any) -> None:
        self.stack.pop()  # keyword arguments: no class that is known here takes any
        self._reduce(None)

    def _build(self, _: Any) -> None:
        """Pass over an object's state: nothing here has any, and no function gets any."""
        self.stack.pop()
        if isinstance(self.stack[-1], Known):
            raise RefusedPickle(f"its pickle would change {self.stack[-1].name} itself")

    def _binpersid(self, _: Any) -> None:
        kind, storage, key, _place, count, *view = self.stack.pop()
        if kind != "storage" or not isinstance(storage, Dtype):
            raise TypeError
        if not isinstance(key, str) or type(count) is not int or count < 0:
            raise TypeError
        if any(part is not None for part in view):  # only before version 1.6, and hardly ever
            raise RefusedPickle("a tensor is a view of another one's numbers; save a copy of it")
        self.storages[key] = Storage(key, storage.name, count)
        self.stack.append(self.storages[key])


_VALUES = frozenset(
    (
        "BININT",
        "BININT1",
        "BININT2",
        "INT",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "UNICODE",
        "BINSTRING",
        "SHORT_BINSTRING",
        "STRING",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
    )
)
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": lambda: Inert("set"),
}


def _update(target: Any, items: list[Any]) -> None:
    pairs = zip(items[::2], items[1::2], strict=True)
    if isinstance(target, dict):
        target.update(dict_of(pairs))
    elif not isinstance(target, Inert):
        raise TypeError


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, list):
        target.extend(items)
    elif not isinstance(target, Inert):
        raise TypeError
