"""The layers of a classifier's network, for methods that look inside."""

from __future__ import annotations

import torch
from torch import nn

from ..errors import ModelError
from ..models.classifier import Classifier
from ..models.guarded.borrowed import networks_of
from .method import Method

CONVOLUTIONS = (nn.Conv3d, nn.Conv2d, nn.ConvTranspose3d, nn.ConvTranspose2d)
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
        name: layer for name, layer in layers_of(classifier).items()
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


def find_layer(classifier: Classifier, name: str | None) -> tuple[str, nn.Module]:
    """Return a layer by its name, or the last convolution.

    Raises
    ------
    ModelError
        If there is no such layer; names some.
    """
    convolutions = convolutions_of(classifier)
    layers = layers_of(classifier)
    if name is None:
        last = list(convolutions)[-1]
        return last, convolutions[last]
    if name not in layers:
        some = ", ".join(list(convolutions or layers)[-MOST_LISTED:])
        raise ModelError(
            f"{classifier.name} has no layer {name!r}. Its last ones: {some}."
        )
    return name, layers[name]
