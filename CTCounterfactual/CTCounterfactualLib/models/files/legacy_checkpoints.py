"""Checkpoints as `torch.save` wrote them before version 1.6: pickles, then plain numbers.

lungmask's published weights are of that time. The file is five pickles one after the other (a magic
number, the protocol, facts on the machine, the content, the keys of the storages), then for each
key in turn a count as int64 and so many numbers (`torch.serialization._legacy_save`). Read as data
like the newer kind (`pickles`), and never by PyTorch's loader.
"""

from __future__ import annotations

from typing import Any

from ...errors import ModelError
from .archives import opened
from .pickled_values import ITEM_BYTES, RefusedPickle
from .pickles import read_stream

# The first pickle: 0x1950a86a20f9469cfc6c in protocol 2.
LEGACY_HEAD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
PROTOCOL = 1001
COUNT_BYTES = 8


def is_legacy(head: bytes | bytearray) -> bool:
    """Tell whether a file that begins so is an old checkpoint."""
    return bytes(head[: len(LEGACY_HEAD)]) == LEGACY_HEAD


def read_legacy(data: bytearray, name: str) -> tuple[Any, dict[str, memoryview]]:
    """Return what an old checkpoint says, and its numbers by `data/KEY`, as views of `data`.

    Raises
    ------
    ModelError
        If it is damaged, cut short, or of a big-endian machine.
    """
    stream = opened(data)
    try:
        _magic, protocol, about, (content, storages), (keys, _) = (
            read_stream(stream)[0],
            read_stream(stream)[0],
            read_stream(stream)[0],
            read_stream(stream),
            read_stream(stream),
        )
        if protocol != PROTOCOL or not isinstance(about, dict) or not isinstance(keys, list):
            raise RefusedPickle("its beginning is another one")
        if about.get("little_endian") is not True:
            raise RefusedPickle("it was written on a big-endian machine")
        return content, _numbers(data, stream.tell(), keys, storages)
    except RefusedPickle as error:
        raise ModelError(
            f"{name} cannot be read as a checkpoint ({error}); it is damaged, cut short or no "
            f"model. Fetch it again from its publisher."
        ) from error


def _numbers(data: bytearray, start: int, keys: list, storages: dict) -> dict[str, memoryview]:
    found, view = {}, memoryview(data)
    for key in keys:
        storage = storages.get(key) if isinstance(key, str) else None
        if storage is None or f"data/{key}" in found:
            raise RefusedPickle("its list of storages doesn't fit its content")
        count = int.from_bytes(view[start : start + COUNT_BYTES], "little", signed=True)
        start += COUNT_BYTES
        end = start + count * ITEM_BYTES[storage.dtype]
        if count != storage.count or end > len(data):
            raise RefusedPickle("numbers of a tensor are missing in it")
        found[f"data/{key}"] = view[start:end]
        start = end
    if start != len(data):
        raise RefusedPickle("something stands behind its last number")
    return found
