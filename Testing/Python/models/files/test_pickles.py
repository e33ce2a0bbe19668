"""Pickles are read as data: no instruction of one changes, calls or imports anything."""

import pickle
import struct
import sys

import pytest
import torch

from CTCounterfactualLib.models.files import pickles
from CTCounterfactualLib.models.files.pickled_values import Inert, RefusedPickle, StoredTensor
from CTCounterfactualLib.models.files.pickles import read_pickle

REBUILD = torch._utils._rebuild_tensor_v2
STORAGE = (
    b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ"
)


def tensor(size: bytes, stride: bytes, offset: bytes = b"K\x00") -> bytes:
    """The pickle of one tensor over six numbers; sizes and strides as instructions."""
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n("
        + STORAGE
        + offset
        + size
        + stride
        + b"\x89ccollections\nOrderedDict\n)RtR."
    )


def test_a_tensor_is_described():
    found = read_pickle(tensor(b"K\x02K\x03\x86", b"K\x03K\x01\x86"))
    assert isinstance(found, StoredTensor)
    assert (found.size, found.stride, found.offset, found.count) == ((2, 3), (3, 1), 0, 6)
    assert (found.storage.key, found.dtype, found.storage.count) == ("0", "float32", 6)


@pytest.mark.parametrize(
    ("size", "stride", "offset", "words"),
    [
        (b"K\x02K\x03\x86", b"K\x03K\x02\x86", b"K\x00", "beyond its storage"),
        (b"K\x06\x85", b"K\x01\x85", b"K\x01", "beyond its storage"),
        (b"K\x01\x85", b"J\xff\xff\xff\xff\x85", b"K\x00", "negative"),
        (b"J\xff\xff\xff\xff\x85", b"K\x01\x85", b"K\x00", "negative"),
        (b"K\x01\x85", b"K\x01\x85", b"J\xff\xff\xff\xff", "negative"),
        (b"K\x01\x85", b"K\x01K\x01\x86", b"K\x00", "another number of sizes"),
        (b"(" + b"K\x01" * 65 + b"t", b"(" + b"K\x01" * 65 + b"t", b"K\x00", "number of sizes"),
        (b"\x8a\x09" + b"\x00" * 8 + b"\x10\x85", b"K\x01\x85", b"K\x00", "beyond its storage"),
        (b"G\x3f\xf0" + b"\x00" * 6 + b"\x85", b"K\x01\x85", b"K\x00", "negative"),
    ],
)
def test_a_tensor_stays_within_its_storage(size, stride, offset, words):
    with pytest.raises(RefusedPickle, match=words):
        read_pickle(tensor(size, stride, offset))


@pytest.mark.parametrize(
    "code",
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n}X\x0c\x00\x00\x00__defaults__(K\x07K\x07tsb.",
        b"ctorch._utils\n_rebuild_tensor_v2\nN}X\x0c\x00\x00\x00__defaults__K\x07s\x86b.",
        b"ccollections\nOrderedDict\n}X\x07\x00\x00\x00__new__Nsb.",
        b"ctorch\nSize\n}X\x01\x00\x00\x00aK\x01sb.",
    ],
)
def test_build_changes_no_function(code):
    before = REBUILD.__defaults__, dict(REBUILD.__dict__), dict(vars(torch.Size))
    with pytest.raises(RefusedPickle, match=r"would change .* itself"):
        read_pickle(b"\x80\x02" + code)
    assert (REBUILD.__defaults__, dict(REBUILD.__dict__), dict(vars(torch.Size))) == before


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
        b"(X\x04\x00\x00\x00trueios\nsystem\n.",
        b"(cos\nsystem\nX\x04\x00\x00\x00trueo.",
        b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"cbuiltins\nexec\nX\x04\x00\x00\x00true\x85\x81.",
        b"ca_module_that_is_nowhere\nf\n)R}b.",
        b"cbuiltins\ngetattr\ncos\nsystem\nX\x08\x00\x00\x00__call__\x86R.",
    ],
)
def test_names_are_inert_however_they_are_called(code):
    modules = set(sys.modules)
    assert isinstance(read_pickle(b"\x80\x02" + code), Inert)
    assert set(sys.modules) == modules


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (b"\x82\x01.", "damaged|instruction EXT1"),
        (b"P1\n.", "instruction PERSID"),
        (b"N2.", "instruction DUP"),
        (b"0.", "damaged"),
        (b"t.", "damaged"),
        (b"h\x05.", "damaged"),
        (b"K\x01", "damaged"),
        (b"", "damaged"),
        (b"K\x01)R.", "damaged"),
        (b"}](NNu.", "damaged"),
        (b"}NNNu.", "damaged"),
        (b"\x8e" + struct.pack("<Q", 1 << 62) + b".", "damaged"),
        (b"\x8d" + struct.pack("<Q", 1 << 40) + b".", "damaged"),
        (b"I" + b"9" * 5000 + b"\n.", "damaged"),
    ],
)
def test_what_no_checkpoint_needs_is_refused(code, words):
    with pytest.raises(RefusedPickle, match=words):
        read_pickle(b"\x80\x02" + code)


def test_a_place_far_off_in_the_memo_takes_no_memory():
    assert read_pickle(b"\x80\x02K\x07r\xff\xff\xff\x7f0j\xff\xff\xff\x7f.") == 7


def test_depth_is_no_recursion():
    nested = read_pickle(b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"K\x01s.")
    ((key, value),) = nested.items()
    assert isinstance(key, Inert) and value == 1  # a key so deep can't be hashed
    found = read_pickle(b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".")
    assert isinstance(found, list)


def test_the_number_of_instructions_is_bounded(monkeypatch):
    monkeypatch.setattr(pickles, "MOST_INSTRUCTIONS", 100)
    assert read_pickle(b"\x80\x02" + b"}0" * 40 + b"N.") is None
    with pytest.raises(RefusedPickle, match="over 100 instructions"):
        read_pickle(b"\x80\x02" + b"}0" * 60 + b"N.")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_come_out_as_pickle_reads_them(protocol):
    value = {"a": [1, -2, 3.5, 2**70, None, True, False], 7: ("x", 2, ()), "e": {}, "l": []}
    value["again"] = value["a"]
    assert read_pickle(pickle.dumps(value, protocol)) == value
