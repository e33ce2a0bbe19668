"""Export of the trained effusion demo: safetensors in half precision, and its JSON card."""

from __future__ import annotations

import json
from pathlib import Path

from ...models.cards import CARD_SCHEMA
from ...models.effusion import EffusionDemo, EffusionNet
from ...scans.files import file_sha256
from .examples import Example
from .settings import EffusionSettings


def export_effusion(
    network: EffusionNet,
    settings: EffusionSettings,
    folder: Path,
    name: str,
    data: list[str],
    licence: str,
    earlier: list[dict] | None = None,
) -> Path:
    """Write `NAME.safetensors` (float16; loading turns it into float32) and `NAME.json`.

    Parameters
    ----------
    data : list of str
        What it was trained on, for people.
    earlier : list of dict, optional
        Settings of the trainings before this one, whose weights it started from, oldest first.

    Returns
    -------
    Path
        The card's.
    """
    from safetensors.torch import save_file

    folder = Path(folder)
    weights = folder / f"{name}.safetensors"
    tensors = {
        key: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for key, tensor in network.state_dict().items()
    }
    save_file(tensors, weights)
    card = {
        "schema": CARD_SCHEMA,
        "name": name,
        "kind": "classifier",
        "builtin": EffusionDemo.name,
        "description": EffusionDemo.description,
        "weights": weights.name,
        "sha256": file_sha256(weights),
        "config": settings.to_dict()["config"],
        "licence": licence,
        "data": data,
        "training": settings.to_dict(),
        "earlier_training": earlier or [],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return path


def describe_data(examples: list[Example]) -> list[str]:
    """Say how many volumes with and without fluid came from each scan."""
    lines: dict[str, list[int]] = {}
    for example in examples:
        counts = lines.setdefault(example.source, [0, 0])
        counts[example.ml <= 0] += 1
    return [f"{name}: {wet} with fluid, {dry} without" for name, (wet, dry) in lines.items()]
