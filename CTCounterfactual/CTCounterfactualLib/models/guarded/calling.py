"""How code of others is called: with tensors of its own, outside inference mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ...errors import ModelError

# Narrower than float32: cast, so that sums and differences of scores keep their digits.
_HALVES = (torch.float16, torch.bfloat16)


@contextmanager
def ordinary_tensors(gradient: bool) -> Iterator[None]:
    """Make ordinary tensors meanwhile, with or without a graph, whatever the caller's mode is.

    What a model makes, keeps or moves in inference mode could never give a gradient afterwards.
    """
    with torch.inference_mode(False), torch.set_grad_enabled(gradient):
        yield


def wants_gradient(tensor: torch.Tensor) -> bool:
    """Return whether the caller is going to differentiate with respect to a tensor."""
    return torch.is_grad_enabled() and tensor.requires_grad


def tensor_of(found: Any, what: str, wanted: str, like: torch.Tensor | None = None) -> torch.Tensor:
    """Return a model's output as floats of 32 bits or more, on the device of `like`.

    Parameters
    ----------
    found : any
        What it returned.
    what, wanted : str
        Who returned it, and what was expected: "mine.encode", "latents (N, C, h, w)".
    like : torch.Tensor, optional
        What it was given; None leaves the output on its device.

    Raises
    ------
    ModelError
        If it is no tensor of floats.
    """
    if not isinstance(found, torch.Tensor):
        raise ModelError(f"{what} returned {describe(found)}; expected {wanted} as a torch.Tensor.")
    if not found.is_floating_point():
        raise ModelError(
            f"{what} returned numbers of type {str(found.dtype).removeprefix('torch.')}; expected "
            f"{wanted} as floats. Indices, counts and an argmax have no gradient: return the "
            f"vectors, probabilities or logits that they come from."
        )
    if found.dtype in _HALVES:
        found = found.float()
    return found if like is None else found.to(like.device)


def describe(value: Any) -> str:
    """Return what a value is, in words."""
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(repr, value))}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
    return f"a {type(value).__name__}{shape}"
