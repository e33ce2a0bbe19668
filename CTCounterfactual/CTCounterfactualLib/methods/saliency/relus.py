"""How many ReLUs a network runs, and how many of them are layers that can be hooked."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode


@dataclass
class Relus:
    """ReLUs that were run in one forward pass, and those of them that `nn.ReLU` layers ran."""

    run: int = 0
    guided: int = 0


class _Counting(TorchDispatchMode):
    """Counts the operation, whoever calls it."""

    def __init__(self, relus: Relus):
        super().__init__()
        self.relus = relus

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func._schema.name in ("aten::relu", "aten::relu_"):
            self.relus.run += 1
        return func(*args, **(kwargs or {}))


def count_relus(module: nn.Module, x: torch.Tensor) -> Relus:
    """Run a module once and count its ReLUs."""
    relus = Relus()

    def one_more(*_) -> None:
        relus.guided += 1

    handles = [
        layer.register_forward_hook(one_more)
        for layer in module.modules()
        if isinstance(layer, nn.ReLU)
    ]
    try:
        with torch.no_grad(), _Counting(relus):
            module(x)
    finally:
        for handle in handles:
            handle.remove()
    return relus
