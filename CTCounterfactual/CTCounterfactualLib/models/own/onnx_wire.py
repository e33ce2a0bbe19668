"""Does an ONNX file name other files? Read off its bytes, before any runtime opens it.

ONNX is a protocol buffer; only the parts that lead to tensors are followed. Field numbers: the file
onnx.proto of the ONNX project (ModelProto, GraphProto, NodeProto, TensorProto and so on).
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import ModelError

# Message -> {number of a field: the message that it holds}.
_PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# Of a tensor: where its data lies (1: in another file), and which file.
_DATA_LOCATION, _EXTERNAL_DATA, _IN_ANOTHER_FILE = 14, 13, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
MOST_DEPTH = 100


def check_whole(data: bytes, name: str) -> None:
    """Raise `ModelError` unless all of a model is in these bytes.

    Other files wouldn't be counted in its digest, and could be any on this computer.
    """
    try:
        outside = _names_a_file(memoryview(data), "model", MOST_DEPTH)
    except (IndexError, ValueError) as error:
        raise ModelError(
            f"{name} cannot be loaded as ONNX (damaged or of another kind: {error}). It must be "
            f"whole and in one file, with its weights inside."
        ) from error
    if outside:
        raise ModelError(
            f"{name} cannot be loaded as ONNX: it names other files for its weights. It must be in "
            f"one file, with its weights inside (onnx.save(model, path) after onnx.load)."
        )


def _names_a_file(message: memoryview, kind: str, depth: int) -> bool:
    if not depth:
        raise ValueError("nested too deep")
    for number, value in _fields(message):
        if kind == "tensor":
            if number == _EXTERNAL_DATA or (number, value) == (_DATA_LOCATION, _IN_ANOTHER_FILE):
                return True
        elif (
            number in _PARTS[kind]
            and isinstance(value, memoryview)
            and _names_a_file(value, _PARTS[kind][number], depth - 1)
        ):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and value of each field; a value is an integer or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        else:
            length = {_FIXED64: 8, _FIXED32: 4}.get(wire, -1)
        if length < 0 or at + length > len(message):
            raise ValueError(f"a field of {length} bytes at {at}")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number and the place after it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of over 64 bits")
