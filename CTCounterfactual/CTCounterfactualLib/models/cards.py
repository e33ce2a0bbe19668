"""Model cards: a JSON file beside the weights that says what a model is and how to feed it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import ModelError

CARD_SCHEMA = 1


def read_card(path: Path) -> dict[str, Any]:
    """Read a model card.

    Raises
    ------
    ModelError
        If the file is missing, no JSON object, or of another schema; says which.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"Cannot read the model card {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ModelError(f"The model card {path} is no valid JSON: {error}.") from error
    if not isinstance(card, dict) or card.get("schema") != CARD_SCHEMA:
        found = card.get("schema") if isinstance(card, dict) else type(card).__name__
        raise ModelError(
            f"The model card {path} has schema {found!r}; this version reads schema {CARD_SCHEMA}."
        )
    return card


def require(card: dict[str, Any], path: Path, *fields: str) -> list[Any]:
    """Return the named fields of a card; raise `ModelError` naming the missing ones."""
    missing = [name for name in fields if name not in card]
    if missing:
        raise ModelError(f"The model card {path} lacks the field(s) {', '.join(missing)}.")
    return [card[name] for name in fields]
