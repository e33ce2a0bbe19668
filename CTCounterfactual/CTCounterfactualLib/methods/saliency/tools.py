"""What the saliency methods share: Captum, the score as a function, maps as arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import torch

from ...errors import MissingExtraError, ModelError
from ...models.faults import GRADIENT_CUT, naming_faults
from ..method import Request

PACKAGE, EXTRA = "captum", "saliency"


def captum() -> ModuleType:
    """Return `captum.attr`; raise `MissingExtraError` without it."""
    try:
        from captum import attr
    except ImportError as error:
        raise MissingExtraError(PACKAGE, EXTRA, "make saliency maps") from error
    return attr


def scorer(request: Request) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the score of volumes (N, 1, K, J, I) as a function, which ends on a cancel."""

    def score(x: torch.Tensor) -> torch.Tensor:
        request.reporter.check()
        return request.score(x)

    return score


@contextmanager
def taking_gradients(request: Request) -> Iterator[None]:
    """Name faults of the classifier's gradient, and keep Captum's notices to itself."""
    who = f"Classifier {request.classifier.name}"
    with warnings.catch_warnings(), naming_faults(who, "its gradient", GRADIENT_CUT):
        warnings.filterwarnings("ignore", module="captum")
        yield


def as_values(request: Request, found: torch.Tensor) -> np.ndarray:
    """Return a map (1, 1, K, J, I) as an array (K, J, I), float32.

    Raises
    ------
    ModelError
        If it holds numbers that aren't finite.
    """
    values = found.detach()[0, 0].float().cpu().numpy()
    if not np.isfinite(values).all():
        raise ModelError(
            f"The gradient of classifier {request.classifier.name} holds numbers that aren't "
            f"finite, so there is no map. Choose another target, or mend the model (a logarithm or "
            f"root of 0?)."
        )
    return values
