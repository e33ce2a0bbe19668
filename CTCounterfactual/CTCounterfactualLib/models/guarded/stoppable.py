"""Networks that can be stopped between two of their layers, forward and backward.

A pass through a large classifier takes longer than a user waits after clicking Cancel, and PyTorch
has no way to end one from outside. Hooks ask before each layer's forward, and before the backward
of each layer's output. They change no number: tensors pass as they are. (Backward hooks of modules
wrap their tensors, which forbids layers that work in place; hooks of tensors don't.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from .borrowed import networks_of


@contextmanager
def stoppable(models: tuple[Any, ...], check: Callable[[], None]) -> Iterator[None]:
    """Ask `check` before each layer of the models' networks meanwhile; what it raises ends a pass.

    What is compiled (TorchScript, `torch.compile`) runs to its end: its layers call no hooks.

    Parameters
    ----------
    models : tuple
        Networks, or objects that hold some, as `networks_of` finds them.
    check : callable
        Raises if the work is to stop.
    """
    asking = _Asking(check)
    layers: set[nn.Module] = set()
    for model in models:
        for network in networks_of(model):
            _add_layers(network, layers)
    handles = []
    try:
        for layer in layers:
            handles.append(layer.register_forward_pre_hook(asking.before_forward))
            handles.append(layer.register_forward_hook(asking.after_forward))
        yield
    finally:
        asking.check = None
        for handle in handles:
            handle.remove()


def _add_layers(network: nn.Module, layers: set[nn.Module]) -> None:
    """Add a network and all in it that call hooks."""
    compiled = isinstance(network, torch.jit.ScriptModule) or hasattr(network, "_orig_mod")
    if compiled or network in layers:
        return
    layers.add(network)
    for child in network.children():
        _add_layers(child, layers)


class _Asking:
    """The hooks; without a `check` they do nothing.

    A model may copy or pickle its network while it is asked: the copies share the hooks, or, in
    another process, have some that do nothing.
    """

    def __init__(self, check: Callable[[], None] | None = None):
        self.check = check

    def before_forward(self, module: nn.Module, given: tuple) -> None:
        self._ask()

    def after_forward(self, module: nn.Module, given: tuple, found: Any) -> None:
        if isinstance(found, dict):
            found = tuple(found.values())
        for tensor in found if isinstance(found, tuple | list) else (found,):
            if isinstance(tensor, torch.Tensor) and tensor.requires_grad:
                tensor.register_hook(self._before_backward)

    def _before_backward(self, gradient: torch.Tensor) -> None:
        self._ask()

    def _ask(self) -> None:
        if self.check is not None:
            self.check()

    def __deepcopy__(self, memo: dict) -> _Asking:
        return self

    def __reduce__(self) -> tuple:
        return _Asking, ()
