"""Whether a classifier has what a method needs; said in words before anything is computed."""

from __future__ import annotations

from ..errors import ModelError
from ..models.classifier import Classifier
from .method import Method

# Methods for classifiers that give scores only.
WITHOUT_GRADIENT = "responsibility or occlusion"


def check_needs(method: Method, classifier: Classifier) -> None:
    """Raise `ModelError` if a classifier can't be explained by a method."""
    needs, name = method.needs, classifier.name
    if needs.gradient and not classifier.differentiable:
        raise ModelError(
            f"{method.name} needs the classifier's gradient, and {name} is a black box: it gives "
            f"scores only. Use a method that needs no more ({WITHOUT_GRADIENT}), or give the same "
            f"network as TorchScript, torch.export or a Python file."
        )
    if needs.network or needs.convolution:
        from .layers import check_layers

        check_layers(method, classifier)
