"""What Grad-CAM and HiResCAM share: the layer, and its map on the prepared grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import ModelError
from ...setting import setting
from ..method import Found, Needs, Options, Request

NEEDS = Needs(gradient=True, network=True, convolution=True, captum=True)
# Batch, channels, K, J, I.
DIMENSIONS = 5


@dataclass(frozen=True)
class LayerOptions(Options):
    """Which layer, and which sign of its map."""

    layer: str | None = setting(
        None, "name of the layer; none: the convolution that is run last", "Layer"
    )
    keep_negative: bool = setting(
        False, "keep what lowers the score, which the method cuts off", "Keep negative values"
    )


def layer_map(request: Request, make: Callable[[Any, Any, Any], Any]) -> Found:
    """Return the map of a layer, stretched over the prepared grid.

    Parameters
    ----------
    make : callable
        From the score's function, the layer and the scan (1, 1, K, J, I) to a map (1, 1, k, j, i).
    """
    import torch
    from torch.nn import functional as F

    from ..layers import find_layer, last_convolution
    from .tools import as_values, scorer, taking_gradients

    score = scorer(request)
    options: LayerOptions = request.options
    if options.layer is None:
        name, layer = last_convolution(request.classifier, lambda: score(request.x.clone()))
    else:
        name, layer = find_layer(request.classifier, options.layer)
    shapes: list[tuple[int, ...]] = []
    handle = layer.register_forward_hook(
        lambda layer, given, found: shapes.append(tuple(getattr(found, "shape", ())))
    )
    try:
        with torch.no_grad():
            score(request.x.clone())
    finally:
        handle.remove()
    if not shapes or len(shapes[-1]) != DIMENSIONS:
        told = f"gives {shapes[-1]}" if shapes else "isn't run"
        raise ModelError(
            f"Layer {name!r} of {request.classifier.name} {told}; a volume (N, C, k, j, i) is "
            f"needed for a map. Choose another layer."
        )
    if len(shapes) > 1:
        raise ModelError(
            f"Layer {name!r} of {request.classifier.name} is run {len(shapes)} times for one "
            f"score, so it has no map of its own. Choose another layer."
        )
    # The weights are frozen: only through the scan does the layer have a gradient.
    x = request.x.clone().requires_grad_(True)
    with taking_gradients(request):
        found = make(score, layer, x)
    if not options.keep_negative:
        found = found.relu()
    stretched = F.interpolate(
        found.detach(), request.x.shape[2:], mode="trilinear", align_corners=False
    )
    return Found(as_values(request, stretched), {"layer": name, "layer_shape": list(shapes[-1])})
