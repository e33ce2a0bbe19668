"""Errors that are told from the words of other libraries."""

import pytest

from CTCounterfactualLib.errors import OutOfMemory, ScanError, as_out_of_memory


@pytest.mark.parametrize(
    ("error", "on_gpu"),
    [
        (MemoryError(), False),
        (
            RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to "
                "allocate 4 bytes. Error code 12"
            ),
            False,
        ),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"), False),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("could not create a primitive"), False),
        (RuntimeError("std::bad_alloc"), False),
        (OSError(12, "Cannot allocate memory"), False),
        (ImportError("libx.so: failed to map segment from shared object"), False),
        (OutOfMemory(on_gpu=True), True),
    ],
)
def test_a_lack_of_memory_is_recognised(error, on_gpu):
    found = as_out_of_memory(error)
    assert isinstance(found, OutOfMemory)
    assert ("the GPU" in str(found)) == on_gpu
    assert ("cpu" in found.advice) == on_gpu


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shape '[2, 3]' is invalid for input of size 5"),
        RuntimeError("could not create a primitive descriptor for a convolution"),
        KeyError("out of memory"),
        ScanError("The file is named 'out of memory.nrrd'."),
    ],
)
def test_other_errors_are_not(error):
    assert as_out_of_memory(error) is None


def test_the_cause_counts():
    try:
        try:
            raise RuntimeError("Failed to allocate memory for image.")
        except RuntimeError as cause:
            raise ScanError("Cannot read a.nrrd as an image.") from cause
    except ScanError as error:
        assert isinstance(as_out_of_memory(error), OutOfMemory)
