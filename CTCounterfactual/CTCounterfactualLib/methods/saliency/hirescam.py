"""HiResCAM: a layer's channels, weighted by their gradient place by place (Draelos, Carin 2020)."""

from __future__ import annotations

from ..method import Found, Method, Request
from .layer_maps import NEEDS, LayerOptions, layer_map


def run(request: Request) -> Found:
    """Weigh each place by its own gradient, sum over the channels, stretch over the scan."""
    from .tools import captum

    attr = captum()
    return layer_map(
        request,
        lambda score, layer, x: (
            attr.LayerGradientXActivation(score, layer).attribute(x).sum(dim=1, keepdim=True)
        ),  # (1, C, k, j, i) -> (1, 1, k, j, i)
    )


METHOD = Method(
    name="hirescam",
    description="A layer's channels, weighted by their gradient place by place",
    sign="positive: the layer's features here raise the score (negative ones are cut off unless "
    "kept)",
    needs=NEEDS,
    run=run,
    options=LayerOptions,
    source="Draelos RL, Carin L. Use HiResCAM instead of Grad-CAM for faithful explanations of "
    "convolutional neural networks. 2020.",
)
