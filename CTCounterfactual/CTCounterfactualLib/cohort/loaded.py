"""The models of a worker: loaded at the first case that needs them, kept for all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import CTCounterfactualError, WorkerUnfit
from ..models.autoencoder import AutoencoderLike
from ..models.catalogue import is_card, load_autoencoder, load_classifier
from ..models.classifier import Classifier
from ..models.own.consent import Consent
from ..storage.hashing import file_sha256
from .work import Models, Work


class Loaded:
    """Loads each model once.

    Attributes
    ----------
    classifier, autoencoder
        Of the last work that was asked for.
    """

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], tuple[Any, str]] = {}
        self.classifier: Classifier
        self.autoencoder: AutoencoderLike

    def get(self, work: Work) -> None:
        """Load what a work needs.

        Raises
        ------
        WorkerUnfit
            If a model can't be loaded here, or isn't the one that the run began with.
        """
        consent = Consent(trust=work.wanted.trust_code)
        wanted = work.wanted
        self.classifier = self._one("classifier", wanted.classifier, work.models, consent)
        self.autoencoder = self._one("autoencoder", wanted.autoencoder, work.models, consent)

    def _one(self, kind: str, name: str, models: Models, consent: Consent) -> Any:
        known = getattr(models, kind)
        if (kind, known) not in self._models:
            load = load_classifier if kind == "classifier" else load_autoencoder
            try:
                model: Any = load(name, consent)
            except CTCounterfactualError as error:
                raise WorkerUnfit(error.text) from error
            if digest_of(name, model) != known:
                raise WorkerUnfit(
                    f"The {kind} {name} of this worker has other weights or another card than that "
                    f"which the run began with: give all workers the same files."
                )
            self._models[kind, known] = model, known
        return self._models[kind, known][0]


def digest_of(name: str, model: Any) -> str:
    """Return by what a model is known: its weights' digest, and that of its card."""
    weights = str(getattr(model, "sha256", "") or "")
    return f"{weights} {file_sha256(Path(name))}" if is_card(name) else weights
