"""FLOPs, and calls of each network by slices: numbers that no machine's speed changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode


class _NoModules:
    """In place of torch's tracker of modules, which stumbles over views made without gradient."""

    parents = ("Global",)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_) -> None:
        pass


def count_flops(function: Callable[[], object]) -> int:
    """Return the FLOPs of a call as torch's FlopCounterMode counts them (2 a multiply-add)."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _NoModules()
    with counter:
        function()
    return counter.get_total_flops()


class Calls:
    """Count calls of an autoencoder's halves and of a classifier's network, while it is open.

    Parameters
    ----------
    autoencoder : torch.nn.Module
        Holds, at any depth, the modules `encoder` and `decoder` (both sides' VQ-GANs do).
    classifier : torch.nn.Module or None
        The classifier's network; None where it has none.

    Attributes
    ----------
    counts : Counter
        (what, slices, with gradient) -> calls; what is `encode`, `decode` or `classify`.
    """

    def __init__(self, autoencoder: torch.nn.Module, classifier: torch.nn.Module | None = None):
        modules = dict(autoencoder.named_modules())
        self._hooked = {
            what: next(m for name, m in modules.items() if name.split(".")[-1] == part)
            for what, part in (("encode", "encoder"), ("decode", "decoder"))
        }
        if classifier is not None:
            self._hooked["classify"] = classifier
        self.counts: Counter[tuple[str, int, bool]] = Counter()

    def __enter__(self) -> Calls:
        self._handles = [
            module.register_forward_pre_hook(self._hook(what))
            for what, module in self._hooked.items()
        ]
        return self

    def __exit__(self, *_) -> None:
        for handle in self._handles:
            handle.remove()

    def slices(self, what: str, gradient: bool | None = None) -> int:
        """Return how many slices went through, with gradient, without, or (None) in all."""
        return sum(
            calls * slices
            for (name, slices, graph), calls in self.counts.items()
            if name == what and gradient in (None, graph)
        )

    def usual_batch(self, what: str, gradient: bool) -> int:
        """Return the slices per call by which most slices went through; 1 if none did."""
        batches = {
            slices: calls * slices
            for (name, slices, graph), calls in self.counts.items()
            if name == what and graph == gradient
        }
        return max(batches, key=batches.get, default=1)

    def _hook(self, what: str):
        def count(_module, inputs) -> None:
            (x,) = inputs
            graph = torch.is_grad_enabled() and x.requires_grad
            self.counts[what, len(x), graph] += 1

        return count
