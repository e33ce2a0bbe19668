"""Load a classifier or an autoencoder from the card of a user's own model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..autoencoder import SliceAutoencoder
from ..classifier import Classifier
from ..files.cards import read_card
from .autoencoder import own_autoencoder
from .card import autoencoder_card, classifier_card
from .classifier import OwnClassifier
from .consent import Consent
from .source import open_source


def load_own_classifier(
    path: str | Path, consent: Consent | None = None, card: dict[str, Any] | None = None
) -> Classifier:
    """Return the classifier that a card describes.

    Parameters
    ----------
    path : str or Path
        The card, JSON or TOML; its files lie beside it.
    consent : Consent, optional
        Who may agree to run code; None: nobody, beyond what was accepted before.
    card : dict, optional
        What was read of it already.

    Raises
    ------
    ModelError
        With what is wrong in the card, the file or the network, or if nobody agreed to run it.
    MissingExtraError
        If a package is needed that isn't installed.
    """
    path = Path(path)
    checked = classifier_card(read_card(path) if card is None else card, path)
    return OwnClassifier(checked, open_source(checked.source, consent or Consent()))


def load_own_autoencoder(
    path: str | Path, consent: Consent | None = None, card: dict[str, Any] | None = None
) -> SliceAutoencoder:
    """Return the slice autoencoder that a card describes; see `load_own_classifier`."""
    path = Path(path)
    checked = autoencoder_card(read_card(path) if card is None else card, path)
    return own_autoencoder(checked, open_source(checked.source, consent or Consent()))
