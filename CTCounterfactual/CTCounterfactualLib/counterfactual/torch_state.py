"""PyTorch's global state for the time of a run: known while it lasts, the caller's again after."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

# Where PyTorch keeps a precision for float32; those below `torch.backends` that it has.
_OPERATIONS = (
    ("cudnn", "conv"),
    ("cudnn", "rnn"),
    ("cuda", "matmul"),
    ("mkldnn", "conv"),
    ("mkldnn", "rnn"),
    ("mkldnn", "matmul"),
)
_FULL = ("ieee", "none")
_SEEDS = 2**32  # NumPy's seeds are smaller than this


@contextmanager
def run_state(seed: int, device: torch.device) -> Iterator[None]:
    """Give a run seeded random numbers, gradients, float32 and full precision; put all back.

    So that a run gives the same whatever the caller did before (`no_grad`, autocast, TF32, default
    type or device), and the caller's own random numbers go on as if there had been no run.
    """
    with ExitStack() as stack:
        stack.enter_context(_random_numbers(seed, device))
        stack.enter_context(_defaults())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in {"cpu", device.type} & {"cpu", "cuda"}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(full_single_precision())
        yield


@contextmanager
def _random_numbers(seed: int, device: torch.device) -> Iterator[None]:
    """Seed all generators that a model may draw from; give the caller's states back."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            torch.default_generator.manual_seed(seed)
            if devices:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            np.random.seed(seed % _SEEDS)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


@contextmanager
def _defaults() -> Iterator[None]:
    """Make new tensors float32 on the CPU unless told otherwise."""
    kind = torch.get_default_dtype()
    place = torch.get_default_device() if hasattr(torch, "get_default_device") else None
    elsewhere = place is not None and place.type != "cpu"
    torch.set_default_dtype(torch.float32)
    if elsewhere:
        torch.set_default_device("cpu")
    try:
        yield
    finally:
        torch.set_default_dtype(kind)
        if elsewhere:
            torch.set_default_device(place)


@contextmanager
def full_single_precision() -> Iterator[None]:
    """Let float32 be computed in float32 meanwhile, instead of rounding to TF32 or bfloat16.

    TF32 keeps 10 bits, about 1e-3: as much as a chunk may move a score by. PyTorch has two sets of
    switches for it, and the older ones refuse to be read once the newer ones say something else:
    the older are used where they can be read, the newer for what is left.
    """
    newer = _read_newer()
    older = _read_older()
    if older is not None:
        torch.backends.cudnn.allow_tf32 = False
        torch.set_float32_matmul_precision("highest")
    for (backend, operation), value in _read_newer().items():
        if value not in _FULL:
            getattr(getattr(torch.backends, backend), operation).fp32_precision = "ieee"
    try:
        yield
    finally:
        if older is not None:
            torch.backends.cudnn.allow_tf32, precision = older
            torch.set_float32_matmul_precision(precision)
        _write_newer(newer)


def _read_older() -> tuple[bool, str] | None:
    """Return (TF32 in convolutions, precision of products); None where they refuse to be read."""
    try:
        return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    except RuntimeError:
        return None


def _read_newer() -> dict[tuple[str, str], str]:
    """Return the precision in force for each operation; empty for a PyTorch without it."""
    found = {}
    for backend, operation in _OPERATIONS:
        place = getattr(getattr(torch.backends, backend), operation, None)
        value = getattr(place, "fp32_precision", None)
        if value is not None:
            found[backend, operation] = value
    return found


def _write_newer(wanted: dict[tuple[str, str], str]) -> None:
    """Put back the precision in force; inherited from the backend again where that gives it."""
    now = _read_newer()
    for (backend, operation), value in wanted.items():
        place = getattr(getattr(torch.backends, backend), operation)
        for candidate in ("none", value):
            if now[backend, operation] != value:
                place.fp32_precision = candidate
                now = _read_newer()
