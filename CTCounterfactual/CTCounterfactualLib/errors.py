"""Errors that a user can act on: each says what was expected, what arrived and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .wording import ACTIONS, Place, say, worded


class CTCounterfactualError(Exception):
    """Base of every error meant for the user: the message is one readable sentence or two.

    Both message and advice may name settings and actions by `wording.say`; `str(error)` and
    `advice` have the words of the place where the user is.

    Attributes
    ----------
    data : mapping
        Plain JSON values for a program that can act on the error; empty for most.
    place : Place or None
        Whose words to use; None: those of the process. See `worded_for`.
    """

    data: Mapping[str, Any] = MappingProxyType({})
    place: Place | None = None
    _advice = ""

    def __str__(self) -> str:
        return worded(self.text, self.place)

    @property
    def kind(self) -> str:
        """Name of the class for programs; of a failure elsewhere, of what it was there."""
        return type(self).__name__

    @property
    def text(self) -> str:
        """The message with its marks, for quoting in another error's message."""
        return super().__str__()

    @property
    def advice(self) -> str:
        """What to do next where the message doesn't already say it; empty otherwise."""
        return worded(self._advice, self.place)

    @advice.setter
    def advice(self, text: str) -> None:
        self._advice = text


class ScanError(CTCounterfactualError):
    """The input cannot be used as a CT scan (format, dimensions, intensities, geometry)."""


class ModelError(CTCounterfactualError):
    """A classifier or autoencoder is unknown, damaged, incompatible or not installed."""


class SettingsError(CTCounterfactualError):
    """A setting is outside its allowed values, or two settings contradict each other."""


class OutputError(CTCounterfactualError):
    """A result can't be written (exists already, no space), or not read back (damaged)."""


class RemoteError(CTCounterfactualError):
    """Another computer can't be reached, or what was to be done there failed.

    Parameters
    ----------
    message : str
        What happened.
    kind : str
        Name of the error's class there; empty: this one's.
    """

    def __init__(self, message: str, kind: str = ""):
        super().__init__(message)
        self._kind = kind

    @property
    def kind(self) -> str:
        return self._kind or type(self).__name__


class WorkerUnfit(CTCounterfactualError):
    """A worker of a cohort lacks what all cases need: its version, its models, the folder."""


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
        own = f"install_{extra}"  # what Slicer's module doesn't install by itself
        super().__init__(
            f"The Python package '{package}' is needed to {purpose} but is not installed. "
            f"Install it with: {say(own if own in ACTIONS else 'install', extra)}"
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
        super().__init__(
            f"Out of memory: {'the GPU' if on_gpu else 'this computer'} "
            f"has too little free memory for this scan."
        )
        self.advice = (
            f"Use {say('device', 'cpu')}, or close other programs that use the GPU."
            if on_gpu
            else f"Close other programs, use a smaller {say('chunk')} or {say('mode', 'whole')}, "
            f"or crop or resample the scan to fewer voxels."
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


@contextmanager
def worded_for(place: Place) -> Iterator[None]:
    """Give errors that are raised meanwhile the words of a place."""
    try:
        yield
    except CTCounterfactualError as error:
        error.place = place
        raise


@contextmanager
def called(path: str | Path, name: str) -> Iterator[None]:
    """Let errors that are raised meanwhile speak of `'name'` where they name a file.

    For a file that the user never saw, such as the copy of a volume that a worker reads. Nothing
    changes if the name is empty.
    """
    try:
        yield
    except CTCounterfactualError as error:
        if name:
            error.args = tuple(
                rename(part, path, name) if isinstance(part, str) else part for part in error.args
            )
        raise


def rename(text: str, path: str | Path, name: str) -> str:
    """Return a text that speaks of `'name'` instead of a file, by its path or its last part."""
    path = Path(path)
    forms = (str(path.absolute()), str(path), path.as_posix(), path.name)
    either = "|".join(re.escape(form) for form in dict.fromkeys(forms) if form)
    whole = rf"(?<![\w./\\-])(?P<quote>['\"]?)(?:{either})(?P=quote)(?![\w/\\-])"
    return re.sub(whole, lambda found: f"'{name}'", text)
