"""The layers of a classifier's network, for methods that look inside."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ..errors import ModelError
from ..models.classifier import Classifier
from ..models.guarded.borrowed import networks_of
from .method import Method

CONVOLUTIONS = (nn.Conv3d, nn.Conv2d, nn.ConvTranspose3d, nn.ConvTranspose2d)
# Methods that look at no layer, for a message.
OTHERS = "input-gradient, integrated-gradients, occlusion or responsibility"
# Names of layers that a message lists.
MOST_LISTED = 8


def layers_of(classifier: Classifier) -> dict[str, nn.Module]:
    """Return the layers by their names, in the order of the network; empty without any.

    What is compiled (TorchScript, `torch.export`, `torch.compile`) shows no layers.
    """
    found: dict[str, nn.Module] = {}
    for network in networks_of(getattr(classifier, "inner", classifier)):
        compiled = isinstance(network, torch.jit.ScriptModule) or hasattr(network, "_orig_mod")
        if not compiled and not isinstance(network, torch.fx.GraphModule):
            found |= {name: layer for name, layer in network.named_modules() if name}
    return found


def convolutions_of(classifier: Classifier) -> dict[str, nn.Module]:
    """Return the convolutions by their names, in the order of the network."""
    return {
        name: layer
        for name, layer in layers_of(classifier).items()
        if isinstance(layer, CONVOLUTIONS)
    }


def check_layers(method: Method, classifier: Classifier) -> None:
    """Raise `ModelError` if a classifier shows no layers, or no convolution where one is needed."""
    layers = layers_of(classifier)
    if not layers:
        raise ModelError(
            f"{method.name} needs the layers of a PyTorch network, and {classifier.name} shows "
            f"none: it is a formula, or compiled. Use another method, or give the network as a "
            f"Python file."
        )
    if method.needs.convolution and not convolutions_of(classifier):
        raise ModelError(
            f"{method.name} needs a layer whose output is a volume, and {classifier.name} has no "
            f"convolution to take. Use another method."
        )


def find_layer(classifier: Classifier, name: str) -> tuple[str, nn.Module]:
    """Return a layer by its name.

    Raises
    ------
    ModelError
        If there is no such layer; names some.
    """
    layers = layers_of(classifier)
    if name not in layers:
        some = ", ".join(list(convolutions_of(classifier) or layers)[-MOST_LISTED:])
        raise ModelError(f"{classifier.name} has no layer {name!r}. Its last ones: {some}.")
    return name, layers[name]


def last_convolution(classifier: Classifier, run: Callable[[], object]) -> tuple[str, nn.Module]:
    """Return the convolution that is run last, which needn't be the last in the list.

    Parameters
    ----------
    run : callable
        Scores once; no gradient is taken.

    Raises
    ------
    ModelError
        If no convolution is run for the score; says which other layers are, if any.
    """
    layers, convolutions = layers_of(classifier), convolutions_of(classifier)
    ran: list[str] = []
    handles = [
        layer.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, layer in layers.items()
    ]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    found = [name for name in ran if name in convolutions]
    if found:
        return found[-1], convolutions[found[-1]]
    if ran:
        some = ", ".join(list(dict.fromkeys(ran))[-MOST_LISTED:])
        raise ModelError(
            f"None of the convolutions of {classifier.name} is run for its score. Name a layer "
            f"that is, if its output is a volume: {some}."
        )
    raise ModelError(
        f"No layer of {classifier.name} is run for its score (as where a network looks at the scan "
        f"once, and the score weighs what it found), so naming one wouldn't help. Use a method "
        f"that needs none: {OTHERS}."
    )
