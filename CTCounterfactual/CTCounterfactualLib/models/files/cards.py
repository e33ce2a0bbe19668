"""Model cards: a JSON or TOML file that says what a model is and how to feed it.

TOML is meant for people, JSON for programs; the fields are the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...storage.objects import parse_json, parse_toml
from .read_once import read_file

CARD_SCHEMA = 1
CARD_SUFFIXES = (".json", ".toml")
# The longest card here, with its history of training, has 6 kB; a thousand targets take 100.
MOST_CARD_BYTES = 1 << 21


def read_card(path: Path) -> dict[str, Any]:
    """Read a model card; by its suffix it is TOML or JSON.

    Raises
    ------
    ModelError
        If the file is missing, too long, no table of fields, or of another schema; says which.
    MissingExtraError
        For TOML on Python 3.10 without tomli.
    """
    return read_card_and_digest(path)[0]


def read_card_and_digest(path: Path) -> tuple[dict[str, Any], str]:
    """Read a model card and return the SHA-256 of the bytes that were read, too."""
    data, digest = read_file(path, most=MOST_CARD_BYTES, what="model card")
    as_toml = path.suffix.lower() == ".toml"
    try:
        text = data.decode("utf-8")
        card = parse_toml(text) if as_toml else parse_json(text)
    except ValueError as error:  # also what isn't UTF-8
        words = " ".join(str(error).split())
        raise ModelError(
            f"The model card {path} is no valid {'TOML' if as_toml else 'JSON'}: {words}."
        ) from error
    found = card.get("schema") if isinstance(card, dict) else type(card).__name__
    if type(found) is not int or found != CARD_SCHEMA:
        raise ModelError(
            f"The model card {path} has schema {repr(found)[:40]}; this version reads schema "
            f"{CARD_SCHEMA}."
        )
    return card, digest


def require(card: dict[str, Any], path: Path, *fields: str) -> list[Any]:
    """Return the named fields of a card; raise `ModelError` naming the missing ones."""
    missing = [name for name in fields if name not in card]
    if missing:
        raise ModelError(f"The model card {path} lacks the field(s) {', '.join(missing)}.")
    return [card[name] for name in fields]


def canonical_sha256(values: Any) -> str:
    """Return the SHA-256 of JSON-like values, whatever order their fields have."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
