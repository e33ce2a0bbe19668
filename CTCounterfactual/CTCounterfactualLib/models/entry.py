"""The catalogue's list: which models there are, and what is ready to use."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_object
from ..storage.sizes import in_words
from ..suggest import suggest
from .store.cache import ModelCache, default_folder
from .store.remote import RemoteFile
from .targets import Target, read_coded_targets


def _resources() -> Path:
    """Return the embedded models' folder: inside the package in a wheel, beside it in Slicer."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "Resources" / "Models"
    return inside if inside.is_dir() else package.parent / "Resources" / "Models"


RESOURCES = _resources()
CATALOGUE = "catalogue.json"
# What is explained with what, where nothing else is asked for.
DEFAULT_CLASSIFIER, DEFAULT_AUTOENCODER = "lung-volume", "ct-vqgan-small"
READY = "ready"
# Kind of a network without a head, for features and linear probes.
BACKBONE = "backbone"
# SPDX names of licences that ask for nothing but attribution.
PERMISSIVE_LICENCES = ("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0")


@dataclass(frozen=True)
class CatalogueEntry:
    """One model of the catalogue.

    Parameters
    ----------
    name, description : str
        As shown to people.
    kind : str
        `classifier`, `autoencoder` or `backbone`.
    status : str
        `ready`, or what is missing in words.
    targets : tuple of Target
        As the classifier has them; empty for an autoencoder.
    licence : str
        SPDX name, or what the card says.
    size_bytes : int
        Of its weights; 0 if it has none.
    card : str
        File name of its card under `Resources/Models`; empty for a model in code.
    files : tuple of RemoteFile
        What has to be fetched before it can be used; empty for an embedded model.
    architecture : str
        Which published network its files hold; see `models.published`.
    trained_on : str
        In words, by its publisher.
    options : dict
        Keywords of its autoencoder (`scale`, `transpose`, affines), or what `published_backbone`
        needs to know.
    title : str
        Shown in place of the name, which for a model of the user's own is its card's path.
    """

    name: str
    kind: str
    description: str
    status: str
    targets: tuple[Target, ...] = ()
    licence: str = ""
    size_bytes: int = 0
    card: str = ""
    files: tuple[RemoteFile, ...] = ()
    architecture: str = ""
    trained_on: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    title: str = ""

    @property
    def embedded(self) -> bool:
        """Whether the model came with the program."""
        return not self.files

    @property
    def permissive(self) -> bool:
        """Whether its licence lets anyone use it for anything; else it is to be accepted first."""
        return self.licence in PERMISSIVE_LICENCES


def list_models(
    folder: Path = RESOURCES, cache: ModelCache | None = None
) -> tuple[CatalogueEntry, ...]:
    """Return all models of the catalogue with their status; loads no weights and no torch.

    Parameters
    ----------
    folder : Path
        With the catalogue and the embedded models.
    cache : ModelCache, optional
        Where fetched files are; None is the user's own.
    """
    cache = cache or ModelCache(default_folder())
    try:
        rows = read_object(folder / CATALOGUE, MOST_RECORD_BYTES)["models"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The model catalogue {folder / CATALOGUE} cannot be read ({error}); reinstall."
        ) from error
    return tuple(_entry(row, folder, cache) for row in rows)


def _entry(row: dict, folder: Path, cache: ModelCache) -> CatalogueEntry:
    files = tuple(RemoteFile.from_dict(file) for file in row.get("files", ()))
    status, size = _status(row.get("weights", ""), files, folder, cache)
    return CatalogueEntry(
        name=row["name"],
        kind=row["kind"],
        description=row["description"],
        status=status,
        targets=_targets(row, folder),
        licence=row.get("licence", ""),
        size_bytes=size,
        card=row.get("card", ""),
        files=files,
        architecture=row.get("architecture", ""),
        trained_on=row.get("trained_on", ""),
        options=row.get("options", {}),
    )


def _status(
    weights: str, files: tuple[RemoteFile, ...], folder: Path, cache: ModelCache
) -> tuple[str, int]:
    """Return a model's status in words, and the size of its files in bytes."""
    if files:
        missing = [file for file in files if not cache.has(file)]
        size = sum(file.size_bytes for file in files)
        if not missing:
            return READY, size
        known = sum(file.size_bytes for file in missing)
        words = f" of {in_words(known)}" if known else ""
        return f"needs download{words}", size
    path = folder / weights
    if weights and not path.is_file():
        return f"needs its weights file {weights}", 0
    return READY, path.stat().st_size if weights else 0


def _targets(row: dict, folder: Path) -> tuple[Target, ...]:
    if "targets_file" in row:
        return read_coded_targets(folder / row["targets_file"], row["targets_unit"])
    return tuple(Target(**target) for target in row.get("targets", ()))


def find_entry(name: str, kind: str) -> CatalogueEntry:
    """Return the model of a name and kind; raise `ModelError` with the closest names if none."""
    listed = list_models()
    for entry in listed:
        if entry.name == name and entry.kind == kind:
            return entry
    other = next((entry.kind for entry in listed if entry.name == name), None)
    if other == BACKBONE:
        raise ModelError(
            f"{name} is a backbone, whose features a probe reads: it has no scores of its own. "
            f"Train a probe on it with the verb `probe`, and give the probe's card."
        )
    hint = suggest(name, [entry.name for entry in listed if entry.kind == kind])
    raise ModelError(f"There is no {kind} named {name!r}. {hint}")
