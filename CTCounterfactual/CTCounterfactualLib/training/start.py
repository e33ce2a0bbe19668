"""Weights that a training of a slice VQ-GAN starts from, and how they came about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..models.autoencoder import FROM_NETWORK, TO_NETWORK
from ..models.files.cards import read_card
from ..models.vqgan.card import autoencoder_from_card
from ..models.vqgan.network import VQGAN

# Fields of the card that tell what its weights are; with `started_from`, as far back as is known.
TOLD = ("name", "sha256", "data", "training", "started_from")


@dataclass(frozen=True)
class Start:
    """A network to go on from.

    Parameters
    ----------
    network : VQGAN
        With its weights.
    told : dict
        Of its card: name, digest, data and settings, for the new model's card.
    """

    network: VQGAN
    told: dict[str, Any]


def read_start(path: str | Path) -> Start:
    """Read the card of a slice VQ-GAN, and its weights, to go on from.

    Raises
    ------
    ModelError
        As `autoencoder_from_card`; or if the network's slices aren't those that are trained on.
    """
    card = read_card(Path(path))
    model = autoencoder_from_card(Path(path), card)
    mapping = (model.to_network, model.from_network, model.scale, model.transpose)
    if mapping != (TO_NETWORK, FROM_NETWORK, 1.0, False):
        raise ModelError(
            f"The model card {path} maps, resizes or turns slices before its network sees them; a "
            f"training can go on only from a network that sees them as they are, -1..1."
        )
    network = VQGAN(model.network.config)  # a fresh one: the model's own is frozen
    network.load_state_dict(model.network.state_dict(), strict=True)
    return Start(network, {name: card[name] for name in TOLD if name in card})
