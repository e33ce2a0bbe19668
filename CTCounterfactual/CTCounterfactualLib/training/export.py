"""Export of a trained VQ-GAN: safetensors in half precision, and its JSON card."""

from __future__ import annotations

from pathlib import Path

import torch

from ..models.files.cards import CARD_SCHEMA
from ..models.vqgan.network import VQGAN
from .files import write_model
from .train_settings import TrainSettings


def export_model(
    network: VQGAN,
    settings: TrainSettings,
    folder: Path,
    name: str,
    data: list[str],
    licence: str,
    quality: dict | None = None,
    started_from: dict | None = None,
    force: bool = False,
) -> Path:
    """Write `NAME.safetensors` and `NAME.json` and return the card's path.

    Weights are stored in float16 (half the bytes; loading turns them into float32).

    Parameters
    ----------
    network : VQGAN
        The averaged network.
    settings : TrainSettings
        As trained; goes into the card, so that the run can be repeated.
    data : list of str
        What it was trained on, for people.
    licence : str
        Of the weights.
    quality : dict, optional
        Measured figures; see `metrics.autoencoder`.
    started_from : dict, optional
        What the weights that the training started from were, see `start.Start.told`.
    force : bool
        Replace a model of that name that is there.

    Raises
    ------
    OutputError
        As `files.write_model`.
    """
    tensors = {
        key: tensor.detach().to(torch.float16).contiguous()
        for key, tensor in network.state_dict().items()
    }
    card = {
        "schema": CARD_SCHEMA,
        "name": name,
        "kind": "autoencoder",
        "description": f"Slice VQ-GAN, f = {settings.config.factor}",
        "config": settings.config.to_dict(),
        "licence": licence,
        "data": data,
        "training": settings.to_dict(),
        "quality": quality or {},
    }
    if started_from:
        card["started_from"] = started_from
    return write_model(folder, name, tensors, card, force)
