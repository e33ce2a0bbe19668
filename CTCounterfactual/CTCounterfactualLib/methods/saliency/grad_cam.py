"""Grad-CAM: a layer's channels, weighted by their mean gradient (Selvaraju et al. 2017)."""

from __future__ import annotations

from ..method import Found, Method, Request
from .layer_maps import NEEDS, LayerOptions, layer_map


def run(request: Request) -> Found:
    """Weigh, sum over the channels, keep what is positive, stretch over the scan."""
    from .tools import captum

    attr = captum()
    return layer_map(
        request,
        lambda score, layer, x: attr.LayerGradCam(score, layer).attribute(
            x,
            relu_attributions=False,  # `layer_map` cuts
        ),
    )


METHOD = Method(
    name="grad-cam",
    description="A layer's channels, weighted by their mean gradient",
    sign="positive: the layer's features here raise the score (negative ones are cut off unless "
    "kept); it may point to places that the score doesn't use, see hirescam",
    needs=NEEDS,
    run=run,
    options=LayerOptions,
    source="Selvaraju RR et al. Grad-CAM: Visual Explanations from Deep Networks via "
    "Gradient-Based Localization. ICCV 2017.",
)
