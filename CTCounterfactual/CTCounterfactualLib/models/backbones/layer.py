"""Any classifier's network as a backbone: what its last layer is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ...errors import ModelError
from ..classifier import Classifier
from ..guarded.borrowed import networks_of
from .backbone import Backbone

# Layers that a head is made of.
HEADS = (nn.Linear, nn.Conv3d, nn.Conv2d)


class LayerBackbone(Backbone):
    """The input of a classifier's last convolution or linear layer, or of one that is named.

    Parameters
    ----------
    classifier : Classifier
        With a network in PyTorch. It is asked as it is, without `for_scan`.
    layer : str, optional
        Name of the layer; none: the one that is run last, found at the first volume.

    Raises
    ------
    ModelError
        If it shows no layers, or has none of this name.
    """

    def __init__(self, classifier: Classifier, layer: str | None = None):
        networks = networks_of(classifier)
        self._layers = {
            name: module
            for network in networks
            for name, module in network.named_modules()
            if isinstance(module, HEADS)
        }
        if not self._layers:
            raise ModelError(
                f"{classifier.name} shows no layer of a PyTorch network to take features from: it "
                f"is a formula, or compiled. Choose another backbone."
            )
        if layer is not None and layer not in self._layers:
            some = ", ".join(list(self._layers)[-3:])
            raise ModelError(
                f"{classifier.name} has no convolution or linear layer {layer!r}. Its last ones: "
                f"{some}."
            )
        self.classifier, self.layer = classifier, layer
        self.network = networks[0]
        self.grid, self.sha256 = classifier.grid, classifier.sha256
        self.name, self.description = classifier.name, classifier.description
        self.differentiable = classifier.differentiable

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the layer is given for volumes (N, 1, D, H, W); see `Backbone.maps`."""
        given: list[tuple[str, torch.Tensor]] = []
        with self._listening(given):
            self.classifier.score(x)
        if self.layer is None:
            if not given:
                raise ModelError(f"No layer of {self.name} is run for its score; name another one.")
            self.layer = given[-1][0]
        found = [maps for name, maps in given if name == self.layer]
        if len(found) != 1 or len(found[0]) != len(x):
            raise ModelError(
                f"Layer {self.layer!r} of {self.name} is run {len(found)} times for one score, on "
                f"{tuple(found[0].shape) if found else 'nothing'}; features need a layer that is "
                f"run once, on the whole volume. Name another layer, or choose another backbone."
            )
        return found[0]

    @contextmanager
    def _listening(self, given: list[tuple[str, torch.Tensor]]) -> Iterator[None]:
        names = list(self._layers) if self.layer is None else [self.layer]
        handles = [
            self._layers[name].register_forward_pre_hook(
                lambda _layer, inputs, name=name: given.append((name, inputs[0]))
            )
            for name in names
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
