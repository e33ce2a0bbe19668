"""What a card is the card of: one rule for lists, loading, checking and the panel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...wording import say

CLASSIFIER, AUTOENCODER = "classifier", "autoencoder"
# Forms, by the field that only cards of this form have.
OWN, BUILT_IN, VQGAN, PROBE = "source", "builtin", "config", "backbone"


@dataclass(frozen=True)
class CardKind:
    """What a card is.

    Parameters
    ----------
    kind : str
        `CLASSIFIER` or `AUTOENCODER`.
    form : str
        `OWN`: any network of a user's own. `BUILT_IN`: own weights for a network that came with
        the program, or that network itself. `VQGAN`: weights and sizes of a slice VQ-GAN.
        `PROBE`: a linear probe on a backbone.
    """

    kind: str
    form: str


def kind_of(card: dict[str, Any], path: Path) -> CardKind:
    """Return what a card is.

    Raises
    ------
    ModelError
        If it doesn't say, or says two things.
    """
    form = next((name for name in (OWN, BUILT_IN, VQGAN, PROBE) if name in card), None)
    if form is None:
        raise ModelError(
            f"The model card {path} lacks the field(s) builtin, config, source or backbone, one of "
            f"which says what it is of: a model of the catalogue, a VQ-GAN, a network of your own, "
            f"or a linear probe."
        )
    implied = {OWN: None, BUILT_IN: CLASSIFIER, VQGAN: AUTOENCODER, PROBE: CLASSIFIER}[form]
    kind = card.get("kind", implied)
    if kind not in (CLASSIFIER, AUTOENCODER):
        raise ModelError(
            f"The model card {path}: kind = {repr(kind)[:40]}, expected {CLASSIFIER!r} or "
            f"{AUTOENCODER!r}."
        )
    if implied is not None and kind != implied:
        raise ModelError(
            f"The model card {path} says kind = {kind!r}, but with `{form}` it is that of "
            f"{_article(implied)}; correct one of them."
        )
    return CardKind(kind, form)


def check_kind(found: CardKind, wanted: str, path: Path) -> None:
    """Raise `ModelError` if a card isn't of the kind that is wanted, saying where it belongs."""
    if found.kind != wanted:
        raise ModelError(
            f"{path} is the card of {_article(found.kind)}, and {_article(wanted)} is wanted "
            f"here; give it as {say(found.kind)}."
        )


def _article(kind: str) -> str:
    return f"an {kind}" if kind == AUTOENCODER else f"a {kind}"
