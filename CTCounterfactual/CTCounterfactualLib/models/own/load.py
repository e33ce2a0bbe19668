"""Load a classifier or an autoencoder from the card of a user's own model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..autoencoder import SliceAutoencoder
from ..catalogue import CARD_SUFFIXES as CARD_SUFFIXES
from ..classifier import Classifier
from .autoencoder import own_autoencoder
from .card import autoencoder_card, classifier_card, read_own_card
from .classifier import OwnClassifier
from .consent import Consent
from .source import open_source


def is_own(card: dict[str, Any]) -> bool:
    """Tell a card of this kind from those of VQ-GANs (`config`) and built-in models (`builtin`)."""
    return "source" in card


def load_own_classifier(path: str | Path, consent: Consent | None = None) -> Classifier:
    """Return the classifier that a card describes.

    Parameters
    ----------
    path : str or Path
        The card, JSON or TOML; its files lie beside it.
    consent : Consent, optional
        Who may agree to run code; None: nobody, beyond what was accepted before.

    Raises
    ------
    ModelError
        With what is wrong in the card, the file or the network, or if nobody agreed to run it.
    MissingExtraError
        If a package is needed that isn't installed.
    """
    path = Path(path)
    card = classifier_card(read_own_card(path), path)
    return OwnClassifier(card, open_source(card.source, consent or Consent()))


def load_own_autoencoder(path: str | Path, consent: Consent | None = None) -> SliceAutoencoder:
    """Return the slice autoencoder that a card describes; see `load_own_classifier`."""
    path = Path(path)
    card = autoencoder_card(read_own_card(path), path)
    return own_autoencoder(card, open_source(card.source, consent or Consent()))
