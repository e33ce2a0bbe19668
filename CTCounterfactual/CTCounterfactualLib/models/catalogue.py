"""The catalogue: which classifiers and autoencoders there are, and loading them by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..storage.sizes import in_words
from .cards import CARD_SUFFIXES as CARD_SUFFIXES
from .cards import read_card_and_digest
from .own.kind import AUTOENCODER, BUILT_IN, CLASSIFIER, OWN, VQGAN, CardKind, check_kind, kind_of
from .store.cache import ModelCache, default_folder
from .store.remote import RemoteFile

if TYPE_CHECKING:
    from .autoencoder import AutoencoderLike
    from .classifier import Classifier, ClassifierLike
    from .own.consent import Consent


def _resources() -> Path:
    """Return the embedded models' folder: inside the package in a wheel, beside it in Slicer."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "Resources" / "Models"
    return inside if inside.is_dir() else package.parent / "Resources" / "Models"


RESOURCES = _resources()
CATALOGUE = "catalogue.json"
READY = "ready"
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
        File name of its card under `Resources/Models`; empty for a model in code.
    files : tuple of RemoteFile
        What has to be fetched before it can be used; empty for an embedded model.
    architecture : str
        Which published network its files hold; see `published_models`.
    trained_on : str
        In words, by its publisher.
    options : dict
        Keywords of its autoencoder (`scale`, `transpose`, affines).
    title : str
        Shown in place of the name, which for a model of the user's own is its card's path.
    """

    name: str
    kind: str
    description: str
    status: str
    targets: tuple[str, ...] = ()
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
        rows = json.loads((folder / CATALOGUE).read_text(encoding="utf-8"))["models"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The model catalogue {folder / CATALOGUE} cannot be read ({error}); reinstall."
        ) from error
    return tuple(_entry(row, folder, cache) for row in rows)


def _entry(row: dict, folder: Path, cache: ModelCache) -> CatalogueEntry:
    files = tuple(RemoteFile.from_dict(file) for file in row.get("files", ()))
    status, size = _status(row.get("weights", ""), files, folder, cache)
    return CatalogueEntry(
        name=row["name"], kind=row["kind"], description=row["description"], status=status,
        targets=_target_names(row, folder), licence=row.get("licence", ""), size_bytes=size,
        card=row.get("card", ""), files=files, architecture=row.get("architecture", ""),
        trained_on=row.get("trained_on", ""), options=row.get("options", {}),
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


def _target_names(row: dict, folder: Path) -> tuple[str, ...]:
    if "targets_file" not in row:
        return tuple(row.get("targets", ()))
    listed = json.loads((folder / row["targets_file"]).read_text(encoding="utf-8"))["targets"]
    return tuple(f"{name} [{code}] (probability)" for code, name in listed)


def load_autoencoder(
    name_or_path: str | Path | AutoencoderLike, consent: Consent | None = None
) -> AutoencoderLike:
    """Load a slice autoencoder by catalogue name or card; an object with its interface stays.

    Returns
    -------
    SliceAutoencoder
        `.encode(x)` and `.decode(z)` on slices (N, 1, H, W) in 0..1.

    Raises
    ------
    ModelError
        If there is no such model, or its files are missing or damaged.
    """
    if not isinstance(name_or_path, str | Path):
        from .guarded.autoencoder import require_autoencoder

        return require_autoencoder(name_or_path)
    if is_card(name_or_path):
        return load_card(name_or_path, consent, AUTOENCODER).model
    from .loading import autoencoder_from_card

    entry = _find(str(name_or_path), AUTOENCODER)
    if entry.embedded:
        return autoencoder_from_card(RESOURCES / entry.card)
    from .published_models import published_autoencoder

    return published_autoencoder(entry, ModelCache(default_folder()))


def load_classifier(
    name: str | Path | ClassifierLike, consent: Consent | None = None
) -> Classifier:
    """Load a classifier by name or card; an object with the interface stays as it is.

    A card is that of the user's own model, or has a `builtin` name. Code of an own model
    runs only if `consent` says so; None: if it was consented to before.

    Returns
    -------
    Classifier
        `.score(x, target)` on volumes (N, 1, D, H, W) in 0..1 of its prepared grid `.grid`.

    Raises
    ------
    ModelError
        If there is no such classifier.
    """
    if not isinstance(name, str | Path):
        from .guarded.classifier import require_classifier

        return require_classifier(name)
    if is_card(name):
        return load_card(name, consent, CLASSIFIER).model
    return _listed_classifier(name)


@dataclass(frozen=True)
class LoadedCard:
    """The model of a card, what the card is of, its fields and the SHA-256 of its file."""

    model: Any
    kind: CardKind
    card: dict[str, Any]
    sha256: str


def is_card(name: str | Path) -> bool:
    """Tell whether a name is the path of a card rather than one of the catalogue."""
    return Path(name).suffix.lower() in CARD_SUFFIXES


def load_card(
    path: str | Path, consent: Consent | None = None, wanted: str | None = None
) -> LoadedCard:
    """Load the model of a card, of whichever form; the card is read once.

    Parameters
    ----------
    path : str or Path
        The card, JSON or TOML.
    consent : Consent, optional
        Who may agree to run code; None: nobody, beyond what was accepted before.
    wanted : str, optional
        `classifier` or `autoencoder`, if only one of them will do.

    Raises
    ------
    ModelError
        If card or model are unfit or of another kind, or nobody agreed to run its code.
    MissingExtraError
        If a package is needed that isn't installed.
    """
    path = Path(path)
    card, digest = read_card_and_digest(path)
    kind = kind_of(card, path)
    if wanted is not None:
        check_kind(kind, wanted, path)
    if kind.form == OWN:
        from .own.load import load_own_autoencoder, load_own_classifier

        load = load_own_classifier if kind.kind == CLASSIFIER else load_own_autoencoder
        model = load(path, consent, card)
    elif kind.form == VQGAN:
        from .loading import autoencoder_from_card

        model = autoencoder_from_card(path, card)
    else:
        model = _listed_classifier(str(card[BUILT_IN]), (path, card) if "weights" in card else None)
    return LoadedCard(model, kind, card, digest)


def _listed_classifier(
    name: str | Path, own: tuple[Path, dict[str, Any]] | None = None
) -> Classifier:
    """Load a classifier of the catalogue; `own` is a card with other weights for it."""
    entry = _find(str(name), CLASSIFIER)
    if not entry.embedded or (own and not entry.card):
        if own:
            raise ModelError(f"The model card {own[0]}: {name} takes no weights of your own.")
        from .published_models import published_classifier

        return published_classifier(entry, ModelCache(default_folder()), RESOURCES)
    from .effusion import EffusionDemo, load_effusion
    from .lung_volume import LungVolume

    if entry.name == EffusionDemo.name:
        return load_effusion(*(own or (RESOURCES / entry.card,)))
    return {LungVolume.name: LungVolume}[entry.name]()


def _find(name: str, kind: str) -> CatalogueEntry:
    entries = [entry for entry in list_models() if entry.kind == kind]
    for entry in entries:
        if entry.name == name:
            return entry
    from .classifier import suggest  # here, so that listing models needs no torch

    hint = suggest(name, [entry.name for entry in entries])
    raise ModelError(f"There is no {kind} named {name!r}. {hint}")
