"""What the card of an own model leads to, in plain words for a list; the model is really loaded."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from .catalogue import load_card
from .own.consent import Consent
from .own.kind import AUTOENCODER
from .targets import Target


def describe_card(path: Path, consent: Consent) -> dict[str, Any]:
    """Load the model of a card and return what lists need to know of it.

    Returns
    -------
    dict
        `kind`, `name`, `description`, `licence`, `targets` (what `Target`
        has of each), `differentiable`, and `sha256` of the card itself. JSON values only.

    Raises
    ------
    ModelError
        If card or model are unfit, or nobody agreed to run its code (`ConsentNeeded`).
    MissingExtraError
        If a package is needed that isn't installed.
    """
    loaded = load_card(path, consent)
    model, is_autoencoder = loaded.model, loaded.kind.kind == AUTOENCODER
    targets = () if is_autoencoder else model.targets
    return {
        "kind": loaded.kind.kind,
        "name": model.name,
        "description": model.description,
        "licence": str(loaded.card.get("licence", "")),
        "targets": [
            {each.name: getattr(target, each.name) for each in fields(Target)} for target in targets
        ],
        "differentiable": bool(getattr(model, "differentiable", True)),
        "sha256": loaded.sha256,
    }
