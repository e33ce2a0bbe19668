"""What the trainings of the embedded classifiers share: settings, and weights to start from."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .settings_file import read_settings

# Settings that have options of their own.
OPTIONS = ("steps", "generated")


def settings_values(options: argparse.Namespace) -> dict[str, Any]:
    """Return the values of a settings file, with those given as options in their place."""
    values = read_settings(options.settings) if options.settings else {}
    for name in OPTIONS:
        if getattr(options, name) is not None:
            values[name] = getattr(options, name)
    return values


def start_from(
    card_path: str | None, load: Callable[[Path, dict[str, Any]], Any]
) -> tuple[Any, list[dict]]:
    """Return the network of a card, or None without one, and the settings of its trainings.

    Raises
    ------
    ModelError
        If `load`, which makes a classifier of a path and its card, can't; or if the card's list
        of trainings is none.
    """
    from ..models.files.cards import read_card

    if card_path is None:
        return None, []
    path = Path(card_path)
    card = read_card(path)
    network = load(path, card).network
    earlier = card.get("earlier_training", [])
    if not isinstance(earlier, list):
        raise ModelError(f"The model card {path}: earlier_training is no list; correct it.")
    return network, earlier + [card[name] for name in ("training",) if name in card]
