"""The models that a result was made with, found again by its record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..counterfactual.result import ModelInfo
from ..errors import ModelError
from ..models.autoencoder import AutoencoderLike
from ..models.catalogue import load_autoencoder, load_classifier
from ..models.classifier import ClassifierLike
from ..models.entry import list_models
from ..wording import say

if TYPE_CHECKING:
    from ..models.own.consent import Consent


def recorded_classifier(
    made_with: ModelInfo,
    given: str | Path | ClassifierLike | None = None,
    consent: Consent | None = None,
) -> ClassifierLike:
    """Return the classifier of a result: by its name in the catalogue, or as the user gives it.

    Raises
    ------
    ModelError
        If it isn't in the catalogue and none is given, or the weights are others.
    """
    return _again(made_with, given, "classifier", load_classifier, consent)


def recorded_autoencoder(
    made_with: ModelInfo,
    given: str | Path | AutoencoderLike | None = None,
    consent: Consent | None = None,
) -> AutoencoderLike:
    """Return the autoencoder of a result; see `recorded_classifier`."""
    return _again(made_with, given, "autoencoder", load_autoencoder, consent)


def _again(made_with: ModelInfo, given: Any, kind: str, load: Any, consent: Any) -> Any:
    if given is None:
        names = {entry.name for entry in list_models() if entry.kind == kind}
        if made_with.name not in names:
            raise ModelError(
                f"The result was made with the {kind} {made_with.name!r}, which is none of the "
                f"catalogue. Give its card: {say(kind, 'CARD')}."
            )
        given = made_with.name
    model = load(given, consent)
    digest = str(getattr(model, "sha256", "") or "")
    if digest != made_with.sha256:
        raise ModelError(
            f"The {kind} {getattr(model, 'name', given)} has other weights (SHA-256 "
            f"{digest or 'none'}) than the result was made with ({made_with.sha256 or 'none'}). "
            f"Give those, or explain the scan again."
        )
    return model
