"""The catalogue: which classifiers and autoencoders there are, and loading them by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError
from .cards import read_card, require

if TYPE_CHECKING:
    from .classifier import Classifier


def _resources() -> Path:
    """Return the embedded models' folder: inside the package in a wheel, beside it in Slicer."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "Resources" / "Models"
    return inside if inside.is_dir() else package.parent / "Resources" / "Models"


RESOURCES = _resources()
CATALOGUE = "catalogue.json"
READY = "ready"


@dataclass(frozen=True)
class CatalogueEntry:
    """One model of the catalogue.

    Parameters
    ----------
    name, description : str
        As shown to people.
    kind : str
        `classifier` or `autoencoder`.
    status : str
        `ready`, or what is missing in words.
    targets : tuple of str
        Target names with units; empty for an autoencoder.
    licence : str
        SPDX name, or what the card says.
    size_bytes : int
        Of its weights; 0 if it has none.
    card : str
        File name of its card under `Resources/Models`; empty for a classifier in code.
    """

    name: str
    kind: str
    description: str
    status: str
    targets: tuple[str, ...] = ()
    licence: str = ""
    size_bytes: int = 0
    card: str = ""


def list_models(folder: Path = RESOURCES) -> tuple[CatalogueEntry, ...]:
    """Return all models of the catalogue with their status; loads no weights and no torch."""
    try:
        rows = json.loads((folder / CATALOGUE).read_text(encoding="utf-8"))["models"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The model catalogue {folder / CATALOGUE} cannot be read ({error}); reinstall."
        ) from error
    return tuple(_entry(row, folder) for row in rows)


def _entry(row: dict, folder: Path) -> CatalogueEntry:
    weights = row.get("weights", "")
    path = folder / weights
    status, size = READY, 0
    if weights:
        size = path.stat().st_size if path.is_file() else 0
        status = READY if size else f"needs its weights file {weights}"
    return CatalogueEntry(
        name=row["name"], kind=row["kind"], description=row["description"], status=status,
        targets=tuple(row.get("targets", ())), licence=row.get("licence", ""), size_bytes=size,
        card=row.get("card", ""),
    )


def load_autoencoder(name_or_path: str | Path):
    """Load a slice autoencoder by catalogue name or by the path of its JSON card.

    Returns
    -------
    SliceAutoencoder
        `.encode(x)` and `.decode(z)` on slices (N, 1, H, W) in 0..1.

    Raises
    ------
    ModelError
        If there is no such model, or its files are missing or damaged.
    """
    from .loading import autoencoder_from_card

    path = Path(name_or_path)
    if path.suffix == ".json":
        return autoencoder_from_card(path)
    return autoencoder_from_card(RESOURCES / _find(str(name_or_path), "autoencoder").card)


def load_classifier(name: str | Path | Classifier) -> Classifier:
    """Load a classifier by name or JSON card with a `builtin` name; an instance stays as it is.

    Returns
    -------
    Classifier
        `.score(x, target)` on volumes (N, 1, D, H, W) in 0..1 of its prepared grid `.grid`.

    Raises
    ------
    ModelError
        If there is no such classifier.
    """
    from .classifier import Classifier
    from .lung_volume import LungVolume

    if isinstance(name, Classifier):
        return name
    if Path(name).suffix == ".json":
        card = read_card(Path(name))
        (name,) = require(card, Path(name), "builtin")
    builtin = {LungVolume.name: LungVolume}
    return builtin[_find(str(name), "classifier").name]()


def _find(name: str, kind: str) -> CatalogueEntry:
    entries = [entry for entry in list_models() if entry.kind == kind]
    for entry in entries:
        if entry.name == name:
            return entry
    from .classifier import suggest  # here, so that listing models needs no torch

    hint = suggest(name, [entry.name for entry in entries])
    raise ModelError(f"There is no {kind} named {name!r}. {hint}")
