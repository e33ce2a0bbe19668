"""The gradient of the score with respect to each voxel (Simonyan, Vedaldi, Zisserman 2014)."""

from __future__ import annotations

from ..method import Found, Method, Needs, Request

GRADIENT_SIGN = (
    "positive: raising this voxel's intensity raises the score; negative: raising it lowers the "
    "score (score per intensity of 0..1)"
)


def run(request: Request) -> Found:
    """Take the signed gradient at the scan (the paper shows its absolute value)."""
    from .tools import as_values, captum, scorer, taking_gradients

    with taking_gradients(request):
        found = captum().Saliency(scorer(request)).attribute(request.x.clone(), abs=False)
    return Found(as_values(request, found))


METHOD = Method(
    name="input-gradient",
    description="Gradient of the score by each voxel",
    sign=GRADIENT_SIGN,
    needs=Needs(gradient=True, captum=True),
    run=run,
    source="Simonyan K, Vedaldi A, Zisserman A. Deep Inside Convolutional Networks: Visualising "
    "Image Classification Models and Saliency Maps. ICLR workshop 2014.",
)
