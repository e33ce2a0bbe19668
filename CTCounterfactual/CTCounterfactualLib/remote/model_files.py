"""Which files a card of an own model needs on another computer: those that lie beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..models.files.archives import leaves_folder
from ..models.files.cards import CARD_SUFFIXES, read_card
from ..models.own.kind import PROBE, kind_of
from ..scans.modality import CT

# A MONAI bundle has a few dozen; a folder of thousands is something else.
MOST_FILES = 1000
_NAMED = ("file", "weights")


def card_modality(card: dict[str, Any]) -> str:
    """Return which modality a classifier's card is for; `CT` unless it says otherwise."""
    grid = card.get("grid")
    said = grid.get("modality", CT) if isinstance(grid, dict) else CT
    return str(said).strip().upper()


def files_of_card(path: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return a card, and name -> file of all that it needs, itself first; names within its folder.

    Raises
    ------
    ModelError
        If the card can't be read, names what isn't there, or can't go to another computer.
    """
    card = read_card(path)
    if kind_of(card, path).form == PROBE:
        backbone = card["backbone"]
        name = str(backbone.get("name", "")) if isinstance(backbone, dict) else ""
        if Path(name).suffix.lower() in CARD_SUFFIXES:
            raise ModelError(
                f"The model card {path} is that of a probe on another card ({name}), which can't "
                f"go to another computer along with it. Run it there by hand, or here."
            )
    found = {path.name: path}
    for named in _named(card, path):
        if named.is_dir():
            found |= _below(named, path)
        elif named.is_file():
            found[named.relative_to(path.parent).as_posix()] = named
        else:
            raise ModelError(f"The model card {path} names {named}, which isn't there.")
    return card, found


def _named(card: dict[str, Any], path: Path) -> list[Path]:
    """Return the files and folders that a card's fields name; of a bundle's weights, the bundle."""
    source = card.get("source")
    values = source if isinstance(source, dict) else card
    also = values.get("also", [])
    names = [values.get(name) for name in _NAMED] + (also if isinstance(also, list) else [])
    for name in names:
        if isinstance(name, str) and (leaves_folder(name) or not name.isprintable()):
            raise ModelError(
                f"The model card {path} names {name!r:.80}; expected the name of a file in the "
                f"card's own folder."
            )
    named = [path.parent / name for name in names if isinstance(name, str) and name]
    bundles = [one for one in named if one.is_dir()]
    return bundles or named


def _below(folder: Path, card: Path) -> dict[str, Path]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if len(files) > MOST_FILES:
        raise ModelError(
            f"The folder {folder} of the model card {card} holds {len(files)} files; up to "
            f"{MOST_FILES} can go to another computer. Leave only the model's own in it."
        )
    return {file.relative_to(card.parent).as_posix(): file for file in files}
