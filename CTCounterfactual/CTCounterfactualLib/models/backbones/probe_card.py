"""The card of a linear probe: which backbone, which weights, which labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ...errors import ModelError
from ..files.fields import Table
from ..files.loading import load_strict, read_safetensors
from ..targets import Target
from .backbone import Backbone
from .pooling import MEAN, POOLINGS
from .probe import ProbeClassifier, probe_targets

# Name or card of a backbone, and the layer to take -> the backbone.
LoadBackbone = Callable[[str, str | None], Backbone]
_FIELDS = (
    "schema",
    "kind",
    "name",
    "description",
    "licence",
    "backbone",
    "weights",
    "sha256",
    "targets",
    "trained",
)


@dataclass(frozen=True)
class BackboneOfCard:
    """Table `backbone` of a card: its name or own card, its digest, layer, and how it is pooled."""

    name: str
    sha256: str
    layer: str | None
    pooling: str

    @classmethod
    def from_table(cls, values: Any, where: str) -> BackboneOfCard:
        """Return it, checked; raise `ModelError` naming what is wrong."""
        table = Table(values, where, cls.__dataclass_fields__)
        layer = None if values.get("layer") is None else table.text("layer")
        return cls(
            table.text("name"),
            table.text("sha256", ""),
            layer,
            table.choice("pooling", POOLINGS, MEAN),
        )


def load_probe(path: Path, card: dict[str, Any], load_backbone: LoadBackbone) -> ProbeClassifier:
    """Return the probe that a card describes.

    Parameters
    ----------
    path : Path
        Of the card; its weights lie beside it.
    card : dict
        What was read of it.
    load_backbone : callable
        Loads the backbone.

    Raises
    ------
    ModelError
        If card or weights are unfit, or the backbone isn't here or isn't the one of the training.
    """
    where = f"The model card {path}"
    table = Table(card, where, _FIELDS)
    asked = BackboneOfCard.from_table(card["backbone"], f"{where}, backbone")
    labels = _labels(table, where)
    tensors = read_safetensors(table.file("weights", path.parent), table.text("sha256"))
    backbone = load_backbone(asked.name, asked.layer)
    if asked.sha256 and backbone.sha256 != asked.sha256:
        raise ModelError(
            f"{where} is that of a probe on {asked.name} with SHA-256 {asked.sha256[:12]}..., and "
            f"the one that is here has {backbone.sha256[:12]}...: its features are others. Fetch "
            f"that version, or train the probe anew."
        )
    weight = tensors.get("weight")
    if weight is None or weight.ndim != 2 or len(weight) != len(labels):
        found = "none" if weight is None else tuple(weight.shape)
        raise ModelError(
            f"{where} has {len(labels)} label(s), and its weights are {found}; expected "
            f"({len(labels)}, features)."
        )
    head = nn.Linear(weight.shape[1], len(labels))
    load_strict(head, tensors, str(path))
    return ProbeClassifier(
        backbone,
        head,
        probe_targets(labels),
        asked.pooling,
        table.text("name"),
        table.text("description", ""),
        table.text("sha256"),
    )


def _labels(table: Table, where: str) -> tuple[Target, ...]:
    rows = table.values.get("targets")
    if not isinstance(rows, list) or not rows:
        raise table.refuse("targets", "a list of at least one table with a name")
    labels = []
    for number, row in enumerate(rows, start=1):
        one = Table(row, f"{where}, target {number}", ("name", "threshold", "negatives"))
        negatives = one.number("negatives") if "negatives" in row else None
        labels.append(
            Target(
                one.text("name"),
                "logit",
                threshold=one.number("threshold", 0.0),
                negatives=negatives,
            )
        )
    return tuple(labels)
