"""Loading classifiers, autoencoders and backbones by their name in the catalogue, or by a card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ..errors import ModelError
from .entry import BACKBONE, RESOURCES, find_entry, list_models
from .files.cards import CARD_SUFFIXES, read_card_and_digest
from .own.kind import (
    AUTOENCODER,
    BUILT_IN,
    CLASSIFIER,
    OWN,
    PROBE,
    VQGAN,
    CardKind,
    check_kind,
    kind_of,
)
from .store.cache import ModelCache, default_folder

if TYPE_CHECKING:
    from .autoencoder import AutoencoderLike, SliceAutoencoder
    from .backbones.backbone import Backbone
    from .classifier import Classifier, ClassifierLike
    from .own.consent import Consent


@overload
def load_autoencoder(
    name_or_path: str | Path, consent: Consent | None = None
) -> SliceAutoencoder: ...


@overload
def load_autoencoder(
    name_or_path: str | Path | AutoencoderLike, consent: Consent | None = None
) -> AutoencoderLike: ...


def load_autoencoder(
    name_or_path: str | Path | AutoencoderLike, consent: Consent | None = None
) -> AutoencoderLike:
    """Load a slice autoencoder by catalogue name or card; an object with its interface stays.

    Returns
    -------
    AutoencoderLike
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
    from .vqgan.card import autoencoder_from_card

    entry = find_entry(str(name_or_path), AUTOENCODER)
    if entry.embedded:
        return autoencoder_from_card(RESOURCES / entry.card)
    from .published import published_autoencoder

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


def load_backbone(
    name: str | Path, layer: str | None = None, consent: Consent | None = None
) -> Backbone:
    """Load a backbone by name; a classifier's name or card gives that classifier's network.

    Parameters
    ----------
    name : str or Path
        Of a backbone or a classifier in the catalogue, or a classifier's card.
    layer : str, optional
        Of a classifier: the layer whose input the features are; none: the last one.
    consent : Consent, optional
        As for `load_classifier`.

    Raises
    ------
    ModelError
        If there is no such model, it isn't here, or it shows no such layer.
    """
    from .backbones.layer import LayerBackbone

    listed = {entry.name for entry in list_models() if entry.kind == BACKBONE}
    if is_card(name) or str(name) not in listed:
        return LayerBackbone(load_classifier(name, consent), layer)
    if layer is not None:
        raise ModelError(f"{name} is taken as a whole; leave out the layer {layer!r}.")
    from .published import published_backbone

    return published_backbone(find_entry(str(name), BACKBONE), ModelCache(default_folder()))


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
    elif kind.form == PROBE:
        from .backbones.probe_card import load_probe

        model = load_probe(path, card, lambda name, layer: load_backbone(name, layer, consent))
    elif kind.form == VQGAN:
        from .vqgan.card import autoencoder_from_card

        model = autoencoder_from_card(path, card)
    else:
        model = _listed_classifier(str(card[BUILT_IN]), (path, card) if "weights" in card else None)
    return LoadedCard(model, kind, card, digest)


def _listed_classifier(
    name: str | Path, own: tuple[Path, dict[str, Any]] | None = None
) -> Classifier:
    """Load a classifier of the catalogue; `own` is a card with other weights for it."""
    entry = find_entry(str(name), CLASSIFIER)
    if not entry.embedded or (own and not entry.card):
        if own:
            raise ModelError(f"The model card {own[0]}: {name} takes no weights of your own.")
        from .published import published_classifier

        return published_classifier(entry, ModelCache(default_folder()), RESOURCES)
    from .classifiers.effusion import EffusionDemo, load_effusion
    from .classifiers.findings import FindingsDemo, LungSizeDemo
    from .classifiers.findings_card import load_findings, load_lung_size
    from .classifiers.lung_volume import LungVolume
    from .classifiers.spoiled import SpoiledDemo, load_spoiled

    if entry.name == LungVolume.name:
        return LungVolume()
    load = {
        EffusionDemo.name: load_effusion,
        SpoiledDemo.name: load_spoiled,
        FindingsDemo.name: load_findings,
        LungSizeDemo.name: load_lung_size,
    }[entry.name]
    return load(*(own or (RESOURCES / entry.card,)))
