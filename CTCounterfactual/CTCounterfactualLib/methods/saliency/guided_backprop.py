"""Guided backpropagation: gradients that pass ReLUs forwards and backwards only where positive.

Known to fail: its maps look the same for random weights, so they show edges of the scan rather than
what the classifier has learned (Adebayo et al., *Sanity Checks for Saliency Maps*, NeurIPS 2018).
Every map says so. Captum guides `nn.ReLU` layers only and leaves `F.relu` as it is without a word;
here the ReLUs that were run are counted, and what wasn't guided is said.
"""

from __future__ import annotations

from ...counterfactual.result import Flag
from ..method import Found, Method, Needs, Request
from .input_gradient import GRADIENT_SIGN

KNOWN_FAILURE = Flag(
    "fails-randomisation",
    "Guided backpropagation is known to give much the same map for a network with random weights: "
    "it shows edges of the scan more than what the classifier has learned (Adebayo 2018).",
)


def run(request: Request) -> Found:
    """Take the guided gradient, and tell how many ReLUs were guided."""
    from .relus import count_relus
    from .score_module import ScoreModule
    from .tools import as_values, captum, taking_gradients

    module = ScoreModule(request)
    counted = count_relus(module, request.x)
    with taking_gradients(request):
        found = captum().GuidedBackprop(module).attribute(request.x.clone())
    flags = [KNOWN_FAILURE, *_not_guided(request.classifier.name, counted.run, counted.guided)]
    return Found(
        as_values(request, found),
        {"relus_run": counted.run, "relus_guided": counted.guided},
        tuple(flags),
    )


def _not_guided(name: str, run: int, guided: int) -> list[Flag]:
    if run == 0:
        return [
            Flag("no-relu", f"{name} has no ReLU to guide, so this is the plain input gradient.")
        ]
    if guided < run:
        return [
            Flag(
                "relu-not-guided",
                f"{name} runs {run} ReLUs, {run - guided} of them as functions (F.relu), which "
                f"can't be guided: the map lies between the plain and the guided gradient. Write "
                f"them as nn.ReLU layers.",
            )
        ]
    return []


METHOD = Method(
    name="guided-backprop",
    description="Gradient with negative parts cut off at every ReLU; known to fail with random "
    "weights",
    sign=GRADIENT_SIGN,
    needs=Needs(gradient=True, network=True, captum=True),
    run=run,
    source="Springenberg JT, Dosovitskiy A, Brox T, Riedmiller M. Striving for Simplicity: The All "
    "Convolutional Net. ICLR workshop 2015.",
)
