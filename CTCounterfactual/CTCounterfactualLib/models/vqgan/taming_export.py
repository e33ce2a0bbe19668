"""A slice VQ-GAN as taming-transformers has it: a checkpoint and its yaml."""

from __future__ import annotations

from pathlib import Path

import torch

from ...errors import ModelError
from ...storage.atomic import whole_file, write_text
from ..files.cards import read_card
from .card import autoencoder_from_card
from .config import VQGANConfig
from .taming import PUBLISHED_LAYOUT

# Fields of the configuration that taming-transformers keeps elsewhere than in `ddconfig`.
_OUTSIDE = ("embed_dim", "n_embed", *PUBLISHED_LAYOUT)
# What is needed to build the model there: its class, and a loss that asks for no weights.
TARGET, LOSS = "taming.models.vqgan.VQModel", "taming.modules.losses.DummyLoss"


def export_checkpoint(card: str | Path, checkpoint: str | Path, overwrite: bool = False) -> Path:
    """Write a card's VQ-GAN as `checkpoint` and a yaml of the same name beside it.

    Parameters
    ----------
    card : str or Path
        Of a slice VQ-GAN of the published layout.
    checkpoint : str or Path
        What to write: `.ckpt`, with `state_dict`; `convert_checkpoint` reads it back.
    overwrite : bool
        Whether files that are there may be replaced.

    Returns
    -------
    Path
        The yaml's.

    Raises
    ------
    ModelError
        If the network has parts that the published layout lacks; names them. Or as
        `autoencoder_from_card`.
    OutputError
        If a file is there already or can't be written.
    """
    path, target = Path(card), Path(checkpoint)
    autoencoder = autoencoder_from_card(path, read_card(path))
    config: VQGANConfig = autoencoder.network.config
    own = {n: v for n, v in PUBLISHED_LAYOUT.items() if getattr(config, n) != v}
    if own:
        named = ", ".join(f"{name} = {getattr(config, name)!r}" for name in own)
        raise ModelError(
            f"{path} can't be a taming-transformers checkpoint: its network has what theirs lacks "
            f"({named}). Only networks with "
            f"{', '.join(f'{n} = {v!r}' for n, v in PUBLISHED_LAYOUT.items())} can."
        )
    state = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in autoencoder.network.state_dict().items()
    }
    with whole_file(target, overwrite, parents=True) as partial:
        torch.save({"state_dict": state}, partial)
    yaml = target.with_suffix(".yaml")
    write_text(yaml, _yaml(config), overwrite)
    return yaml


def _yaml(config: VQGANConfig) -> str:
    """Return the configuration as taming-transformers writes it; plain enough to write by hand."""
    sizes = {name: value for name, value in config.to_dict().items() if name not in _OUTSIDE}
    lines = [
        "model:",
        f"  target: {TARGET}",
        "  params:",
        f"    embed_dim: {config.embed_dim}",
        f"    n_embed: {config.n_embed}",
        "    ddconfig:",
        *(
            f"      {name}: {str(value).lower() if isinstance(value, bool) else value}"
            for name, value in sizes.items()
        ),
        "    lossconfig:",
        f"      target: {LOSS}",
    ]
    return "\n".join(lines) + "\n"
