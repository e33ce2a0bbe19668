"""Whether a classifier has what a method needs; said in words before anything is computed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import MissingExtraError, ModelError
from .method import Method

if TYPE_CHECKING:  # methods are listed without PyTorch
    from ..models.classifier import Classifier

# Package and the extra that brings it.
CAPTUM, EXTRA = "captum", "saliency"
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
    if needs.captum and find_spec(CAPTUM) is None:
        raise MissingExtraError(CAPTUM, EXTRA, f"explain by {method.name}")
    if needs.network or needs.convolution:
        from .layers import check_layers

        check_layers(method, classifier)
