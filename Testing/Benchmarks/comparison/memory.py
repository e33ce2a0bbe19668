"""Peak of live tensor bytes, on any device, meta tensors included.

What a program needs above its weights and inputs: every storage that an operation makes counts from
then until nothing holds it any more, autograd's saved tensors among the holders. Scratch space
inside a kernel (unfolded images, the allocator's own rounding) is left out, on both sides alike.
"""

from __future__ import annotations

import weakref

import torch
from torch.utils._pytree import tree_leaves

from .modes import DecomposingMode


class LiveBytes(DecomposingMode):
    """Count bytes of storages made inside this context; `peak` is the most alive at once.

    Storages that come in from outside (weights, inputs) are not counted, whoever writes to them.
    """

    def __init__(self):
        super().__init__()
        self.live = 0
        self.peak = 0
        self._known: dict[int, weakref.ref] = {}

    def run(self, func, args, kwargs):
        for tensor in _tensors((args, kwargs)):
            self._meet(tensor.untyped_storage(), counted=False)
        result = func(*args, **kwargs)
        for tensor in _tensors(result):
            self._meet(tensor.untyped_storage(), counted=True)
        return result

    def _meet(self, storage: torch.UntypedStorage, counted: bool) -> None:
        """Remember a storage that wasn't seen before, and forget it when it dies."""
        key = id(storage)
        if key in self._known:
            return
        size = storage.nbytes() if counted else 0
        self.live += size
        self.peak = max(self.peak, self.live)
        # torch keeps a storage's Python object for as long as anything, in C++ too, holds the
        # storage: the reference dies with the bytes.
        self._known[key] = weakref.ref(storage, lambda _: self._forget(key, size))

    def _forget(self, key: int, size: int) -> None:
        del self._known[key]
        self.live -= size


def _tensors(values) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]
