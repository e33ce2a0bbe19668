"""Export of the trained effusion demo: safetensors in half precision, and its JSON card."""

from __future__ import annotations

from pathlib import Path

from ...models.classifiers.effusion import EffusionDemo, EffusionNet
from ...models.classifiers.spoiled import SpoiledDemo, SpoiledNet
from ...models.files.cards import CARD_SCHEMA
from ..files import half_precision, write_model
from .effusion_settings import EffusionSettings
from .examples import Example
from .shortcut import ShortcutSettings


def export_effusion(
    network: EffusionNet,
    settings: EffusionSettings,
    folder: Path,
    name: str,
    data: list[str],
    licence: str,
    earlier: list[dict] | None = None,
    force: bool = False,
) -> Path:
    """Write `NAME.safetensors` (float16; loading turns it into float32) and `NAME.json`.

    Parameters
    ----------
    data : list of str
        What it was trained on, for people.
    earlier : list of dict, optional
        Settings of the trainings before this one, whose weights it started from, oldest first.
    force : bool
        Replace a model of that name that is there.

    Returns
    -------
    Path
        The card's.

    Raises
    ------
    OutputError
        As `files.write_model`.
    """
    card = {
        "schema": CARD_SCHEMA,
        "name": name,
        "kind": "classifier",
        "builtin": EffusionDemo.name,
        "description": EffusionDemo.description,
        "config": settings.to_dict()["config"],
        "licence": licence,
        "data": data,
        "training": settings.to_dict(),
        "earlier_training": earlier or [],
    }
    return write_model(Path(folder), name, half_precision(network), card, force)


def describe_data(examples: list[Example]) -> list[str]:
    """Say how many volumes with and without fluid came from each scan."""
    lines: dict[str, list[int]] = {}
    for example in examples:
        counts = lines.setdefault(example.source, [0, 0])
        counts[example.ml <= 0] += 1
    return [f"{name}: {wet} with fluid, {dry} without" for name, (wet, dry) in lines.items()]


def export_spoiled(
    network: SpoiledNet,
    settings: ShortcutSettings,
    folder: Path,
    name: str,
    data: list[str],
    licence: str,
    started_from: str,
    force: bool = False,
) -> Path:
    """Write a spoiled network as `export_effusion` does; return the card's path.

    Parameters
    ----------
    started_from : str
        SHA-256 of the weights that were spoiled.
    """
    card = {
        "schema": CARD_SCHEMA,
        "name": name,
        "kind": "classifier",
        "builtin": SpoiledDemo.name,
        "description": SpoiledDemo.description,
        "config": {"width": network.config.width},
        "licence": licence,
        "data": data,
        "started_from": started_from,
        "training": settings.to_dict(),
    }
    return write_model(Path(folder), name, half_precision(network), card, force)
