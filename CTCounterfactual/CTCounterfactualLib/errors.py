"""Errors that a user can act on: each says what was expected, what arrived and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class CTCounterfactualError(Exception):
    """Base of every error meant for the user: the message is one readable sentence or two.

    `advice` says what to do next where the message doesn't already; empty otherwise. `data` holds
    plain JSON values for a program that can act on the error; empty for most.
    """

    advice = ""
    data: Mapping[str, Any] = MappingProxyType({})


class ScanError(CTCounterfactualError):
    """The input cannot be used as a CT scan (format, dimensions, intensities, geometry)."""


class ModelError(CTCounterfactualError):
    """A classifier or autoencoder is unknown, damaged, incompatible or not installed."""


class SettingsError(CTCounterfactualError):
    """A setting is outside its allowed values, or two settings contradict each other."""


class OutputError(CTCounterfactualError):
    """A result can't be written (exists already, no space), or not read back (damaged)."""


class MissingExtraError(CTCounterfactualError):
    """An optional package is needed; the message names the extra that brings it.

    Parameters
    ----------
    package : str
        Import name of the package that is missing.
    extra : str
        Name of the extra in ``pyproject.toml`` that installs it.
    purpose : str
        What it is needed for, as it completes "... is needed to".
    """

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(
            f"The Python package '{package}' is needed to {purpose} but is not installed. "
            f'Install it with: pip install "ct-counterfactual[{extra}]"'
        )
        self.package = package
        self.extra = extra


class Cancelled(CTCounterfactualError):
    """The user asked to stop; nothing was written."""

    def __init__(self, message: str = "Cancelled: nothing was written."):
        super().__init__(message)


class OutOfMemory(CTCounterfactualError):
    """Main or GPU memory did not suffice; `advice` says how to need less.

    Parameters
    ----------
    on_gpu : bool
        Whether it was the GPU's memory.
    """

    def __init__(self, on_gpu: bool = False):
        super().__init__(f"Out of memory: {'the GPU' if on_gpu else 'this computer'} "
                         f"has too little free memory for this scan.")
        self.advice = (
            "Set the device to CPU, or close other programs that use the GPU." if on_gpu else
            "Close other programs, choose a smaller chunk or mode whole, or crop or resample the "
            "scan to fewer voxels."
        )


# What allocators say: torch on the CPU and on CUDA, C++, ITK, the system's loader where it can't
# map a library, and oneDNN (torch's convolutions), which names no reason.
_MEMORY_WORDS = re.compile(
    "out of memory|(can't|cannot|unable to|failed to) allocate|not enough memory|bad_alloc"
    "|bad allocation|failed to map segment|MemoryError"
    "|could not (create|execute) a primitive(?! descriptor)",
    re.IGNORECASE,
)


def tells_of_memory(text: str) -> bool:
    """Return whether a message of some library says that memory ran out."""
    return _MEMORY_WORDS.search(text) is not None


def as_out_of_memory(error: BaseException) -> OutOfMemory | None:
    """Return the `OutOfMemory` that an exception, or what caused it, amounts to; else None.

    Needs no torch: its errors are told by their words.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OutOfMemory):
            return link
        if isinstance(link, MemoryError):
            return OutOfMemory()
        if isinstance(link, (RuntimeError, ImportError, OSError)) and tells_of_memory(str(link)):
            return OutOfMemory(on_gpu="cuda" in str(link).lower())
        link = link.__cause__
    return None
