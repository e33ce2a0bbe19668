"""Export of the trained findings demo: safetensors in half precision, and its JSON card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from ...models.classifiers.amounts import DEFAULT_AMOUNTS
from ...models.classifiers.findings import FindingsDemo
from ...models.classifiers.findings_network import FindingsNet
from ...models.files.cards import CARD_SCHEMA
from ..files import half_precision, write_model
from .findings_settings import FindingsSettings


def export_findings(
    network: FindingsNet,
    settings: FindingsSettings,
    folder: Path,
    name: str,
    data: list[str],
    licence: str,
    earlier: list[dict] | None = None,
    force: bool = False,
) -> Path:
    """Write `NAME.safetensors` (float16; loading turns it into float32) and `NAME.json`.

    Parameters
    ----------
    data : list of str
        What it was trained on, for people.
    earlier : list of dict, optional
        Settings of the trainings before this one, whose weights it started from, oldest first.
    force : bool
        Replace a model of that name that is there.

    Returns
    -------
    Path
        The card's.

    Raises
    ------
    OutputError
        As `files.write_model`.
    """
    card = {
        "schema": CARD_SCHEMA,
        "name": name,
        "kind": "classifier",
        "builtin": FindingsDemo.name,
        "description": FindingsDemo.description,
        "config": settings.to_dict()["config"],
        "amounts": {finding: asdict(amount) for finding, amount in DEFAULT_AMOUNTS.items()},
        "licence": licence,
        "data": data,
        "training": settings.to_dict(),
        "earlier_training": earlier or [],
    }
    return write_model(Path(folder), name, half_precision(network), card, force)
