"""Networks built from sizes that a file states: they grow no larger than the weights they are for.

Sizes may come from anyone, and a typing error or ill will can ask for more memory than there is.
Weights are read first; whatever is built for them and passes their size is given up at once,
before its numbers are filled in.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.modules import module as torch_module

from ..errors import ModelError

# Networks may make parts that they replace later, and buffers that aren't saved.
NUMBERS_FACTOR, FREE_NUMBERS = 2, 1 << 20
PARTS_FACTOR, FREE_PARTS = 20, 2000


class TooLarge(ModelError):
    """A network outgrew the weights that it is built for."""


@contextmanager
def building_for(tensors: dict[str, torch.Tensor], source: str) -> Iterator[None]:
    """Raise `TooLarge` as soon as what the block builds outgrows `tensors`, named by `source`."""
    numbers = sum(tensor.numel() for tensor in tensors.values())
    left = {
        "numbers": NUMBERS_FACTOR * numbers + FREE_NUMBERS,
        "parts": PARTS_FACTOR * len(tensors) + FREE_PARTS,
    }
    thread = threading.get_ident()

    def spend(_module, _name, value) -> None:
        if threading.get_ident() != thread:
            return
        left["parts"] -= 1
        if isinstance(value, torch.Tensor):
            left["numbers"] -= value.numel()
        if min(left.values()) < 0:
            raise TooLarge(
                f"The sizes stated for {source} make a far larger network than its weights are of "
                f"({len(tensors)} tensors, {numbers} numbers); correct the sizes."
            )

    handles = [
        torch_module.register_module_parameter_registration_hook(spend),
        torch_module.register_module_buffer_registration_hook(spend),
        torch_module.register_module_module_registration_hook(spend),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
