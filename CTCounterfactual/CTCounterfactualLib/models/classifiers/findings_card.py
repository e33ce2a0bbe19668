"""The findings demo and the lung-size demo from their cards: the shipped ones, or one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files.cards import read_card, require
from ..files.fields import Table
from ..files.loading import filled
from .amounts import DEFAULT_AMOUNTS, Amount
from .findings import FindingsDemo, LungSizeDemo
from .findings_network import FINDINGS, FindingsConfig, FindingsNet


def load_findings(path: Path, card: dict[str, Any] | None = None) -> FindingsDemo:
    """Load the findings demo that a card describes: the shipped one, or one's own training.

    `card` is what was read of it already.

    Raises
    ------
    ModelError
        If card or weights are missing, damaged, or don't fit.
    """
    card = read_card(path) if card is None else card
    network, sha256 = _network(path, card)
    where = f"The model card {path} makes no model"
    rows = Table(card.get("amounts", {}), f"{where}: its amounts", FINDINGS).values
    amounts = {**DEFAULT_AMOUNTS, **{name: _amount(row, where, name) for name, row in rows.items()}}
    medians = Table(card.get("negatives", {}), f"{where}: its negatives", FINDINGS)
    negatives = {name: medians.number(name) for name in medians.values}
    return FindingsDemo(network, amounts, negatives, sha256)


def load_lung_size(path: Path, card: dict[str, Any] | None = None) -> LungSizeDemo:
    """Load the lung-size demo that a card describes; as `load_findings`."""
    return LungSizeDemo(*_network(path, read_card(path) if card is None else card))


def _network(path: Path, card: dict[str, Any]) -> tuple[FindingsNet, str]:
    config, _, sha256 = require(card, path, "config", "weights", "sha256")
    where = f"The model card {path} makes no model"
    names = ("width", "fine_width")
    sizes = Table(config, f"{where}: its config", names)
    widths = [sizes.integer(name, getattr(FindingsConfig, name)) for name in names]
    file = Table(card, where, card).file("weights", path.parent)
    net = filled(lambda: FindingsNet(FindingsConfig(*widths)), file, str(sha256), str(path))
    return net, str(sha256)


def _amount(row: Any, where: str, finding: str) -> Amount:
    names = ("present_ml", "ignored_ml", "slope")
    table = Table(row, f"{where}: its amount of {finding}", names)
    return Amount(*(table.number(name, above=0.0) for name in names))
