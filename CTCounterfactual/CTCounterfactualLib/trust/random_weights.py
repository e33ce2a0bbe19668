"""Random numbers in place of a network's weights, layer by layer, for as long as a test needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from ..methods.layers import layers_of
from ..models.classifier import Classifier


def weighted_layers(classifier: Classifier, run) -> list[tuple[str, nn.Module]]:
    """Return the layers with weights of their own, the one that is run last first.

    Parameters
    ----------
    run : callable
        Scores once; what it doesn't reach isn't returned.
    """
    layers = {
        name: layer
        for name, layer in layers_of(classifier).items()
        if any(True for _ in layer.parameters(recurse=False))
    }
    ran: dict[str, None] = {}

    def note(name: str) -> None:
        ran.pop(name, None)  # a layer that is run twice counts by its last time
        ran[name] = None

    handles = [
        layer.register_forward_hook(lambda *_, name=name: note(name))
        for name, layer in layers.items()
    ]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return [(name, layers[name]) for name in reversed(ran)]


@contextmanager
def randomised(layers: Sequence[nn.Module], seed: int) -> Iterator[None]:
    """Give layers random weights meanwhile; put their own back, to the bit.

    Each tensor gets normal numbers of mean 0 and of the root mean square that it had: the network
    keeps the size of its signals and knows nothing. Statistics that aren't weights (running means)
    stay.
    """
    own = [parameter for layer in layers for parameter in layer.parameters(recurse=False)]
    kept = [parameter.detach().clone() for parameter in own]
    generator = torch.Generator().manual_seed(seed)
    try:
        with torch.no_grad():
            for parameter in own:
                size = float(parameter.detach().double().square().mean().sqrt())
                drawn = torch.randn(parameter.shape, generator=generator)
                parameter.copy_((size * drawn).to(parameter))
        yield
    finally:
        with torch.no_grad():
            for parameter, before in zip(own, kept, strict=True):
                parameter.copy_(before)
