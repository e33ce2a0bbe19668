"""The embedded kind of autoencoder: a JSON card beside the weights of a slice VQ-GAN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..autoencoder import FROM_NETWORK, TO_NETWORK, SliceAutoencoder
from ..files.cards import read_card, require
from ..files.fields import SCALES, Table, affine
from ..files.loading import filled
from .config import VQGANConfig
from .network import VQGAN


def autoencoder_from_card(path: Path, card: dict[str, Any] | None = None) -> SliceAutoencoder:
    """Load the slice VQ-GAN that a card describes; `card` is what was read of it already.

    Raises
    ------
    ModelError
        If card or weights are missing, damaged, not what the card's hash says, or don't fit.
    """
    card = read_card(path) if card is None else card
    _, config, _, sha256 = require(card, path, "name", "config", "weights", "sha256")
    table = Table(card, f"The model card {path}", card)  # with fields of its training, say
    mapping = affine(table, "to_network", TO_NETWORK), affine(table, "from_network", FROM_NETWORK)
    scale, transpose = table.number("scale", 1.0, *SCALES), table.flag("transpose", False)
    file = table.file("weights", path.parent)
    sizes = VQGANConfig.from_dict(config)
    network = filled(lambda: VQGAN(sizes), file, table.text("sha256"), str(path))
    return SliceAutoencoder(
        network,
        table.text("name"),
        sha256,
        table.text("description", ""),
        *mapping,
        scale,
        transpose,
    )
