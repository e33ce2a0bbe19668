"""What the card of an own model leads to, in plain words for a list; the model is really loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...scans.files import file_sha256
from ..catalogue import load_autoencoder, load_classifier
from .card import AUTOENCODER, CLASSIFIER, read_own_card
from .consent import Consent
from .load import is_own, load_own_autoencoder, load_own_classifier

# Shown after a target whose score has no unit: lists have one in brackets after each name.
NO_UNIT = "score"


def describe_card(path: Path, consent: Consent) -> dict[str, Any]:
    """Load the model of a card and return what lists need to know of it.

    Returns
    -------
    dict
        `kind`, `name`, `description`, `licence`, `targets` (with their units in brackets, as the
        catalogue lists them), `differentiable`, and `sha256` of the card itself. JSON values only.

    Raises
    ------
    ModelError
        If card or model are unfit, or nobody agreed to run its code (`ConsentNeeded`).
    MissingExtraError
        If a package is needed that isn't installed.
    """
    digest = file_sha256(path) if path.is_file() else ""  # what is read below says if it is missing
    card = read_own_card(path)
    is_autoencoder = card.get("kind", CLASSIFIER) == AUTOENCODER or "config" in card
    if is_own(card):
        loader = load_own_autoencoder if is_autoencoder else load_own_classifier
        model = loader(path, consent)
    else:
        model = load_autoencoder(path) if is_autoencoder else load_classifier(path)
    targets = () if is_autoencoder else model.targets
    return {
        "kind": AUTOENCODER if is_autoencoder else CLASSIFIER,
        "name": model.name,
        "description": model.description,
        "licence": str(card.get("licence", "")),
        "targets": [f"{target.label} ({target.unit or NO_UNIT})" for target in targets],
        "differentiable": bool(getattr(model, "differentiable", True)),
        "sha256": digest,
    }
